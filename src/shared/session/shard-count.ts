import { ConfigError } from '../errors/errors.ts';
import type { LaneRedis } from '../lanes/commands.ts';
import { shardsKey } from '../lanes/key-names.ts';
import {
  formatStamp,
  ourStamp,
  type ReshardingStamp,
  type SettledStamp,
  type Stamp,
  type TakingOverStamp,
} from '../layout/stamp.ts';
import { findStamp, readStamp } from '../layout/stored-stamp.ts';
import { takeOver } from '../layout/take-over.ts';
import { isConnectionError } from '../errors/connection-errors.ts';
import { demandAllKeys } from '../redis/unfit.ts';
import { layout } from '../version.ts';

/**
 * Checks the number of shards of a namespace and the layout of its keys; the first process sets them. With another number, a process
 * would look for messages in the wrong shard. A drained namespace of version 0.1 is taken over.
 *
 * @param isAgain whether this process has agreed on the number before, so that another one has replaced it
 * @throws ConfigError if the namespace has another number of shards or another layout, or its number is being changed, or if the
 *   connection reaches only a part of the keys.
 */
export async function agreeOnShards(
  redis: LaneRedis,
  namespace: string,
  shards: number,
  { isAgain = false }: { isAgain?: boolean } = {},
): Promise<void> {
  await demandAllKeys(redis);
  for (;;) {
    const { stamp, text } = await readStamp(redis, namespace, shards);
    const ours = demandShards(stamp, namespace, shards, isAgain ? describeChange : describeOtherNumber);
    if (hasOurLayout(ours)) return;
    try {
      await takeOver(redis, namespace, { stamp: ours, text });
    } catch (error) {
      // Another process that takes over may have ended this connection; the stamp, read again, tells how far the take-over is.
      if (!isConnectionError(error)) throw error;
    }
  }
}

/** What a call finds that must not write. `unused`: no process has set the namespace up. `old`: it has the layout of version 0.1. */
export type Setup = 'ready' | 'unused' | 'old';

/**
 * Checks the same as `agreeOnShards`, and changes nothing.
 *
 * @throws ConfigError as `agreeOnShards` does, but not for the layout of version 0.1.
 */
export async function checkShards(redis: LaneRedis, namespace: string, shards: number): Promise<Setup> {
  await demandAllKeys(redis);
  const found = await findStamp(redis, namespace);
  if (found === null) return 'unused';
  return hasOurLayout(demandShards(found.stamp, namespace, shards)) ? 'ready' : 'old';
}

/** @throws ConfigError for the layout of version 0.1 */
export function demandReadable(setup: Setup, namespace: string, shards: number): void {
  if (setup !== 'old') return;
  throw new ConfigError([
    `the namespace "${namespace}" has the layout of version 0.1, which a call that only reads does not change: start a worker, or run "kitechat-sender reshard ${shards}"; either takes the namespace over`,
  ]);
}

/** Returns the stamp if it has this number of shards. */
function demandShards(
  stamp: Stamp,
  namespace: string,
  shards: number,
  describe = describeOtherNumber,
): SettledStamp | TakingOverStamp {
  if (stamp.state === 'resharding') throw new ConfigError([describeResharding(namespace, stamp)]);
  if (stamp.shards !== shards) throw new ConfigError([describe(namespace, shards, stamp.shards)]);
  return stamp;
}

function hasOurLayout(stamp: SettledStamp | TakingOverStamp): boolean {
  return stamp.state === 'settled' && stamp.layout === layout;
}

function describeResharding(namespace: string, { shards, next }: ReshardingStamp): string {
  return `the namespace "${namespace}" is being changed from ${shards} shards to ${next}: wait for it to finish, or finish it with "kitechat-sender reshard ${next}"`;
}

function describeOtherNumber(namespace: string, asked: number, stored: number): string {
  return `KITECHAT_SHARDS is ${asked}, but the namespace "${namespace}" was set up with ${stored}: set it to ${stored}, or use another KITECHAT_NAMESPACE`;
}

// A number that others wrote by mistake can't be told from that of a finished `reshard`, so people have to.
function describeChange(namespace: string, ours: number, stored: number): string {
  const previous = formatStamp(ourStamp(ours));
  return `the namespace "${namespace}" had ${ours} shards when this process connected before, and has ${stored} now: if "kitechat-sender reshard" has changed it, set KITECHAT_SHARDS to ${stored}; if not, undo the change with SET "${shardsKey(namespace)}" "${previous}"`;
}
