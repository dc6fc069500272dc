import { ConfigError } from './errors.ts';
import { shardsKey } from './keys.ts';
import type { LaneRedis } from './lanes/commands.ts';

/**
 * What stands in the place of the number of shards while it is changed: nobody may use the namespace then. It names the number
 * before and the one to come, so that a change that was interrupted can be finished.
 */
const RESHARDING = /^resharding (\d+) (\d+)$/;

export function reshardingMark(from: number, to: number): string {
  return `resharding ${from} ${to}`;
}

/** The number of shards as it stands in Redis. */
export interface StoredShards {
  shards: number;
  /** The number to come, if it is being changed. */
  next: number | null;
}

export function parseStoredShards(stored: string): StoredShards {
  const [, from, to] = RESHARDING.exec(stored) ?? [];
  return to === undefined ? { shards: Number(stored), next: null } : { shards: Number(from), next: Number(to) };
}

/**
 * Settles how many shards a namespace has: the first process that asks decides. Another number would look for pages
 * where their messages are not.
 *
 * @throws ConfigError if the namespace has another number of shards, or is just being changed to one.
 */
export async function agreeOnShards(redis: LaneRedis, namespace: string, shards: number): Promise<void> {
  const key = shardsKey(namespace);
  await redis.set(key, shards, 'NX');
  const stored = await redis.get(key);
  if (stored === String(shards)) return;
  const known = parseStoredShards(stored ?? '');
  throw new ConfigError([
    known.next === null
      ? `KITECHAT_SHARDS is ${shards}, but the namespace "${namespace}" was set up with ${stored}: set it to ${stored}, or use another KITECHAT_NAMESPACE`
      : `the namespace "${namespace}" is changed from ${known.shards} shards to ${known.next}: wait until that has ended, or end it with "kitechat-sender reshard ${known.next}"`,
  ]);
}
