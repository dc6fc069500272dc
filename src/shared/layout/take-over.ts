import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { endConnections } from './end-connections.ts';
import { ConfigError } from '../errors/errors.ts';
import { shardRoots, shardsKey } from '../lanes/key-names.ts';
import type { LaneRedis } from '../lanes/commands.ts';
import { nodesWith } from '../redis/nodes-with.ts';
import { nameWorkers, readOpenWork } from './open-work.ts';
import { describeSafely } from '../errors/safe-cause.ts';
import { removeLeftovers } from './leftovers.ts';
import { ourStamp, type SettledStamp, type Stamp, type TakingOverStamp } from './stamp.ts';
import { replaceStamp, type StoredStamp } from './stored-stamp.ts';

/** The stamp of a namespace of layout 1, or of one that is being taken over. */
type OldStamp = SettledStamp | TakingOverStamp;

/** If a take-over stays at one step for this long, the process that does it may be dead. */
const PATIENCE_MS = 2000;
const LOOK_MS = 100;

/**
 * Changes a namespace from layout 1 to this layout, or makes some steps of that: the caller reads the stamp again, and repeats the call
 * until the stamp is ours. Each step ends with a compare-and-set of the stamp, so several processes may do it at once, and any of them
 * may die.
 *
 * @throws ConfigError if messages are open, workers of version 0.1 live, or the Redis user may not take the namespace over.
 */
export async function takeOver(
  redis: LaneRedis,
  namespace: string,
  { stamp, text }: StoredStamp & { stamp: OldStamp },
): Promise<void> {
  const step = { redis, namespace, shards: stamp.shards, stored: { stamp, text } };
  try {
    if (stamp.state === 'settled') await begin(step);
    else if (await isAbandoned(step)) await goOn(step, stamp);
  } catch (error) {
    if (describeSafely(error).code !== 'NOPERM') throw error;
    throw new ConfigError([
      `the namespace "${namespace}" has the layout of version 0.1, and the Redis user of this process lacks the rights to take it over: run "kitechat-sender reshard ${stamp.shards}" once as a user that has them, such as kitechat-reshard of ops/redis-acl/users.acl`,
    ]);
  }
}

interface Step {
  redis: LaneRedis;
  namespace: string;
  shards: number;
  stored: StoredStamp;
}

async function goOn(step: Step, stamp: TakingOverStamp): Promise<void> {
  if (stamp.step === 'closing') await close(step, stamp.token);
  else await clear(step, stamp.token);
}

async function begin(step: Step): Promise<void> {
  await demandDrained(step);
  await demandRights(step);
  const token = randomBytes(6).toString('hex');
  const next = await advance(step, { state: 'taking-over', shards: step.shards, step: 'closing', token });
  if (next) await close(next, token);
}

/** Ends all connections. A process that connects again is refused or takes part, so version 0.1 stores nothing after this step. */
async function close(step: Step, token: string): Promise<void> {
  const { redis, namespace, shards } = step;
  await endConnections(redis, namespace, shards);
  try {
    await demandDrained(step);
  } catch (error) {
    if (error instanceof ConfigError) await advance(step, { state: 'settled', shards, layout: 1, version: null });
    throw error;
  }
  const next = await advance(step, { state: 'taking-over', shards, step: 'clearing', token });
  if (next) await clear(next, token);
}

async function clear(step: Step, token: string): Promise<void> {
  const { redis, namespace, shards } = step;
  await removeLeftovers(redis, namespace, { shards, token });
  await advance(step, ourStamp(shards));
}

/** @returns the next step; `null` if another process has gone on to it. */
async function advance(step: Step, stamp: Stamp): Promise<Step | null> {
  const stored = await replaceStamp(step.redis, step.namespace, step.stored, stamp);
  return stored && { ...step, stored };
}

/** Whether the stamp stays the same for `PATIENCE_MS`. */
async function isAbandoned({ redis, namespace, stored }: Step): Promise<boolean> {
  const startedAt = performance.now();
  while (performance.now() - startedAt < PATIENCE_MS) {
    await sleep(LOOK_MS);
    if ((await redis.get(shardsKey(namespace))) !== stored.text) return false;
  }
  return true;
}

async function demandDrained({ redis, namespace, shards }: Step): Promise<void> {
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

/** Tries the commands that the later steps need, before anything is changed. */
async function demandRights({ redis, namespace, shards }: Step): Promise<void> {
  const nodes = await nodesWith(redis, shardRoots(namespace, shards));
  await Promise.all(
    nodes.map(async (node) => {
      await node.scan('0', 'COUNT', 1);
      await node.client('LIST');
      // No connection has this address.
      await node.client('KILL', 'ADDR', '0.0.0.0:0');
    }),
  );
}
