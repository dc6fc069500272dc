import { ConfigError } from '../errors/errors.ts';
import { shardsKey } from '../lanes/key-names.ts';
import type { LaneRedis } from '../lanes/commands.ts';
import { describeSafely } from '../errors/safe-cause.ts';
import { layout, version } from '../version.ts';
import { formatStamp, ourStamp, parseStamp, type Stamp } from './stamp.ts';

/** A stamp, and its text in Redis for a compare-and-set. */
export interface StoredStamp {
  stamp: Stamp;
  text: string;
}

/**
 * Reads the stamp of a namespace; returns `null` if there is none.
 *
 * @throws ConfigError if a newer version wrote the stamp, or if it can't be read.
 */
export async function findStamp(redis: LaneRedis, namespace: string): Promise<StoredStamp | null> {
  const text = await redis.get(shardsKey(namespace));
  return text === null ? null : { stamp: demandKnown(namespace, text), text };
}

/**
 * Reads the stamp of a namespace. If there is none, writes it first.
 *
 * @param shards the number of shards for a namespace without a stamp
 * @throws ConfigError if a newer version wrote the stamp, if it can't be read, or if there is none and the Redis user may not write it.
 */
export async function readStamp(redis: LaneRedis, namespace: string, shards: number): Promise<StoredStamp> {
  for (;;) {
    const found = await findStamp(redis, namespace);
    if (found) return found;
    await setUp(redis, namespace, shards);
  }
}

async function setUp(redis: LaneRedis, namespace: string, shards: number): Promise<void> {
  try {
    // Not SET with NX: apps may run SETNX on this key, which changes no stamp that is there, but not SET.
    await redis.setnx(shardsKey(namespace), formatStamp(ourStamp(shards)));
  } catch (error) {
    if (describeSafely(error).code !== 'NOPERM') throw error;
    throw new ConfigError([
      `no process has set the namespace "${namespace}" up yet, and the Redis user of this process lacks the right to do so (SETNX): start a worker first, with a user that has it, such as kitechat-worker of ops/redis-acl/users.acl`,
    ]);
  }
}

function demandKnown(namespace: string, text: string): Stamp {
  const stamp = parseStamp(text);
  if (stamp === null) {
    throw new ConfigError([
      `the key "${shardsKey(namespace)}" in Redis is "${text}", which version ${version} can't read: upgrade this process if a newer version wrote the key, otherwise restore its previous value`,
    ]);
  }
  if (stamp.state !== 'taking-over' && stamp.layout > layout) {
    throw new ConfigError([
      `the namespace "${namespace}" has layout ${stamp.layout} and was written by a newer version${versionOf(stamp)}: upgrade this process, which is version ${version} and knows layout ${layout}`,
    ]);
  }
  return stamp;
}

function versionOf(stamp: Stamp): string {
  return stamp.state === 'settled' && stamp.version !== null ? ` (${stamp.version})` : '';
}

/** Replaces a stamp. @returns the new stamp; `null`, without a change, if another process has changed it before. */
export async function replaceStamp(
  redis: LaneRedis,
  namespace: string,
  before: StoredStamp,
  stamp: Stamp,
): Promise<StoredStamp | null> {
  const script =
    "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end redis.call('SET', KEYS[1], ARGV[2]) return 1";
  const text = formatStamp(stamp);
  return (await redis.eval(script, 1, shardsKey(namespace), before.text, text)) === 1 ? { stamp, text } : null;
}
