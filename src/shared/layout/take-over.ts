import { randomBytes } from 'node:crypto';
import { endConnections } from '../end-connections.ts';
import { ConfigError } from '../errors.ts';
import type { LaneRedis } from '../lanes/commands.ts';
import { nodesWith } from '../nodes-with.ts';
import { nameWorkers, readOpenWork } from '../open-work.ts';
import { describeSafely } from '../safe-cause.ts';
import { shardRoots } from '../shard-roots.ts';
import { removeLeftovers } from './leftovers.ts';
import { ourStamp, type SettledStamp, type TakingOverStamp } from './stamp.ts';
import { replaceStamp, type StoredStamp } from './stored-stamp.ts';

/** A namespace of layout 1, or on its way from there. */
type OldStamp = SettledStamp | TakingOverStamp;

/**
 * Goes one step from layout 1 to this layout; call it again until the stamp is ours. Each step ends in a compare-and-set of
 * the stamp, so any number of processes may take it at once, and any of them may die.
 *
 * @throws ConfigError if messages are open, workers of version 0.1 live, or the Redis user may not take the namespace over.
 */
export async function takeOver(
  redis: LaneRedis,
  namespace: string,
  { stamp, text }: StoredStamp & { stamp: OldStamp },
): Promise<void> {
  try {
    const stored = { stamp, text };
    if (stamp.state === 'settled') await begin(redis, namespace, stored);
    else if (stamp.step === 'closing') await close(redis, namespace, { stamp, text });
    else await clear(redis, namespace, { stamp, text });
  } catch (error) {
    if (describeSafely(error).code !== 'NOPERM') throw error;
    throw new ConfigError([
      `the namespace "${namespace}" has the layout of version 0.1, and the Redis user of this process lacks the rights to take it over: run "kitechat-sender reshard ${stamp.shards}" once as a user that may, such as kitechat-reshard of ops/redis-acl/users.acl`,
    ]);
  }
}

async function begin(redis: LaneRedis, namespace: string, stored: StoredStamp): Promise<void> {
  const { shards } = stored.stamp;
  await demandDrained(redis, namespace, shards);
  await demandRights(redis, shardRoots(namespace, shards));
  const token = randomBytes(6).toString('hex');
  await replaceStamp(redis, namespace, stored, { state: 'taking-over', shards, step: 'closing', token });
}

/** From here on whoever connects is refused or takes part, so nothing of version 0.1 is stored after this step. */
async function close(redis: LaneRedis, namespace: string, stored: StoredStamp & { stamp: TakingOverStamp }) {
  const { stamp } = stored;
  await endConnections(redis, namespace, stamp.shards);
  try {
    await demandDrained(redis, namespace, stamp.shards);
  } catch (error) {
    if (error instanceof ConfigError) {
      const before: SettledStamp = { state: 'settled', shards: stamp.shards, layout: 1, version: null };
      await replaceStamp(redis, namespace, stored, before);
    }
    throw error;
  }
  await replaceStamp(redis, namespace, stored, { ...stamp, step: 'clearing' });
}

async function clear(redis: LaneRedis, namespace: string, stored: StoredStamp & { stamp: TakingOverStamp }) {
  await removeLeftovers(redis, namespace, stored.stamp);
  await replaceStamp(redis, namespace, stored, ourStamp(stored.stamp.shards));
}

async function demandDrained(redis: LaneRedis, namespace: string, shards: number): Promise<void> {
  const { openMessages, workers } = await readOpenWork(redis, namespace, shards);
  if (openMessages > 0) {
    throw new ConfigError([
      `the namespace "${namespace}" has the layout of version 0.1 and ${openMessages} open message${openMessages === 1 ? '' : 's'}: drain it with version 0.1, then start this version`,
    ]);
  }
  if (workers.length > 0) {
    throw new ConfigError([
      `the namespace "${namespace}" has the layout of version 0.1, and workers of that version are running (${nameWorkers(workers)}): stop them, then start this version`,
    ]);
  }
}

/** Asks for what `close` and `clear` need, before anything is changed. */
async function demandRights(redis: LaneRedis, roots: readonly string[]): Promise<void> {
  const nodes = await nodesWith(redis, roots);
  await Promise.all(
    nodes.map(async (node) => {
      await node.scan('0', 'COUNT', 1);
      await node.client('LIST');
      // The address of nobody.
      await node.client('KILL', 'ADDR', '0.0.0.0:0');
    }),
  );
}
