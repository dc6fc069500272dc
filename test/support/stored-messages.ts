import type { RedisClient } from '../../src/shared/redis/cluster.ts';
import { laneOf, shardOfId } from '../../src/shared/lanes/key-names.ts';
import { keysOf } from './keys-of.ts';

/** The ids of a conversation's open messages, in the order of sending. */
export async function laneIds(
  redis: RedisClient,
  namespace: string,
  page: string,
  conversation: string,
): Promise<string[]> {
  return await redis.lrange(`{${namespace}:0}:lane:${laneOf(page, conversation)}`, 0, -1);
}

/** The ids of all messages of a shard. */
export async function storedIds(redis: RedisClient, namespace: string, shard = 0): Promise<string[]> {
  const start = `{${namespace}:${shard}}:send:`;
  const keys = await keysOf(redis, `${start}*`);
  return keys
    .map((key) => key.slice(start.length))
    .filter((name) => shardOfId(name) !== null)
    .toSorted();
}

/** All keys of a namespace that name this message. */
export async function keysNaming(redis: RedisClient, namespace: string, id: string): Promise<string[]> {
  const found: string[] = [];
  for (const key of await keysOf(redis, `{${namespace}:*`)) {
    if (key.includes(id) || (await membersOf(redis, key)).includes(id)) found.push(key);
  }
  return found;
}

/** Half-stored messages: those that are not exactly once in their lane, or not exactly once in BullMQ's sets. */
export async function halfStored(redis: RedisClient, namespace: string, shard = 0): Promise<string[]> {
  const root = `{${namespace}:${shard}}:`;
  const laneKeys = await keysOf(redis, `${root}lane:*`);
  const lanes = new Map<string, string[]>();
  for (const key of laneKeys) lanes.set(key.slice(`${root}lane:`.length), await redis.lrange(key, 0, -1));
  const stored = await storedIds(redis, namespace, shard);
  const hidden = await redis.zrange(`${root}send:waiting-children`, 0, '-1');
  const released = await redis.lrange(`${root}send:wait`, 0, -1);
  const all = {
    job: countsOf(stored),
    lane: countsOf([...lanes.values()].flat()),
    BullMQ: countsOf([...hidden, ...released]),
  };
  const laneOfId = new Map(
    await Promise.all(stored.map(async (id) => [id, await redis.hget(`${root}send:${id}`, 'lane')] as const)),
  );

  const ids = new Set(Object.values(all).flatMap((counts) => Array.from(counts.keys())));
  return Array.from(ids).flatMap((id) => {
    const wrong = Object.entries(all).flatMap(([place, counts]) => (counts.get(id) === 1 ? [] : [place]));
    if (!lanes.get(laneOfId.get(id) ?? '')?.includes(id)) wrong.push('the lane of its job');
    return wrong.length === 0 ? [] : [`${id} is not exactly once in: ${wrong.join(', ')}`];
  });
}

function countsOf(ids: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1);
  return counts;
}

async function membersOf(redis: RedisClient, key: string): Promise<string[]> {
  switch (await redis.type(key)) {
    case 'list':
      return await redis.lrange(key, 0, -1);
    case 'zset':
      return await redis.zrange(key, 0, '-1');
    case 'set':
      return await redis.smembers(key);
    case 'hash':
      return Object.entries(await redis.hgetall(key)).flat();
    case 'string':
      return [(await redis.get(key)) ?? ''].flatMap((value) => value.split(' '));
    default:
      return [];
  }
}
