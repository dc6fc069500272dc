import { shardOfPage, shardRoot, shardRoots } from '../../shared/lanes/key-names.ts';
import type { LaneRedis } from '../../shared/lanes/commands.ts';
import { readGroups } from '../../shared/lanes/stream/groups.ts';
import { eventsKey } from '../../shared/lanes/stream/read-events.ts';
import { scanKeys } from '../../shared/redis/scan-keys.ts';

/** A change of the number of shards. */
export interface Resharding {
  namespace: string;
  from: number;
  to: number;
}

const IDEMPOTENCY = 'idem:';
const LONGEST_VALUE = 512;

/**
 * Moves the idempotency keys of every page to the page's new shard. After an interruption, running it again continues.
 *
 * @returns the number of moved keys.
 */
export async function moveIdempotencyKeys(redis: LaneRedis, { namespace, from, to }: Resharding): Promise<number> {
  let moved = 0;
  const roots = shardRoots(namespace, Math.max(from, to));
  for await (const keys of scanKeys(redis, `{${namespace}:*}:${IDEMPOTENCY}*`, roots)) {
    const counts = await Promise.all(keys.map((key) => moveIdempotencyKey(redis, key, { namespace, to })));
    moved += counts.filter(Boolean).length;
  }
  return moved;
}

async function moveIdempotencyKey(
  redis: LaneRedis,
  key: string,
  { namespace, to }: Omit<Resharding, 'from'>,
): Promise<boolean> {
  const name = key.slice(key.indexOf(IDEMPOTENCY));
  const [page = ''] = name.slice(IDEMPOTENCY.length).split('/');
  const targets = targetsOf(page.startsWith('~') ? null : page, to).map((index) => shardRoot(namespace, index) + name);
  const others = targets.filter((target) => target !== key);
  const [value, leftMs] = await Promise.all([redis.getrange(key, 0, LONGEST_VALUE), redis.pttl(key)]);
  // What is longer was written by others, and says nothing.
  if (value === '' || value.length > LONGEST_VALUE || leftMs <= 0) return false;
  await Promise.all(others.map((target) => redis.set(target, value, 'PX', leftMs, 'NX')));
  if (targets.includes(key)) return false;
  await redis.unlink(key);
  return true;
}

/** The shard of a page is unknown if its name is a hash; the keys of such a page are kept in all shards. */
function targetsOf(page: string | null, shards: number): number[] {
  return page === null ? Array.from({ length: shards }, (_, index) => index) : [shardOfPage(page, shards)];
}

/** Moves the holds of every page to its new shard, and copies a hold on everything to all shards. @returns the number of moved holds. */
export async function moveHolds(redis: LaneRedis, { namespace, from, to }: Resharding): Promise<number> {
  let moved = 0;
  for (let index = 0; index < from; index += 1) {
    const key = `${shardRoot(namespace, index)}holds`;
    for (const [field, value] of Object.entries(await redis.hgetall(key))) {
      const targets = targetsOf(pageOfHold(value), to);
      await Promise.all(
        targets.flatMap((target) =>
          target === index ? [] : [redis.hset(`${shardRoot(namespace, target)}holds`, field, value)],
        ),
      );
      if (targets.includes(index)) continue;
      await redis.hdel(key, field);
      moved += 1;
    }
  }
  return moved;
}

/** The page that is held, or that the held conversation belongs to; `null` for everything. */
function pageOfHold(value: string): string | null {
  return (JSON.parse(value) as { page?: string }).page ?? null;
}

/** Gives the new shards the groups that read events, so that no event of theirs is missed before a reader comes. */
export async function copyEventGroups(redis: LaneRedis, { namespace, from, to }: Resharding): Promise<void> {
  const [root = ''] = shardRoots(namespace, 1);
  const groups = await readGroups(redis, { root, index: 0, nowMs: 0 });
  const withContent = await redis.smembers(`${eventsKey({ root })}:content`);
  for (let index = from; index < to; index += 1) {
    const events = eventsKey({ root: shardRoot(namespace, index) });
    for (const { group } of groups) {
      await redis.xgroup('CREATE', events, group, '$', 'MKSTREAM').catch(ignoreExisting);
      if (withContent.includes(group)) await redis.sadd(`${events}:content`, group);
    }
  }
}

/** An interrupted change has made it. */
function ignoreExisting(error: unknown): void {
  if (!(error instanceof Error && error.message.startsWith('BUSYGROUP'))) throw error;
}

/** Removes the remaining keys of shards that no longer exist: ended messages, and records of workers. */
export async function removeShards(redis: LaneRedis, { namespace, from, to }: Resharding): Promise<void> {
  for (let index = to; index < from; index += 1) {
    const root = shardRoot(namespace, index);
    for await (const keys of scanKeys(redis, `${root}*`, [root])) {
      await Promise.all(keys.map((key) => redis.unlink(key)));
    }
  }
}
