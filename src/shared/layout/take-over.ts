import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { endConnections } from './end-connections.ts';
import { ConfigError } from '../errors/errors.ts';
import { shardRoots, shardsKey } from '../lanes/keys.ts';
import type { LaneRedis } from '../lanes/commands.ts';
import { nodesWith } from '../redis/nodes-with.ts';
import { nameWorkers, readOpenWork } from './open-work.ts';
import { describeSafely } from '../errors/safe-cause.ts';
import { removeLeftovers } from './leftovers.ts';
import { ourStamp, type SettledStamp, type Stamp, type TakingOverStamp } from './stamp.ts';
import { replaceStamp, type StoredStamp } from './stored-stamp.ts';

/** A namespace of layout 1, or on its way from there. */
type OldStamp = SettledStamp | TakingOverStamp;

/** A process that takes over and stays at one step for this long may be dead. */
const PATIENCE_MS = 2000;
const LOOK_MS = 100;

/**
 * Goes from layout 1 to this layout, as far as it comes: read the stamp again, and call it again until the stamp is ours.
 * Each step ends in a compare-and-set of the stamp, so any number of processes may take it at once, and any of them may die.
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
      `the namespace "${namespace}" has the layout of version 0.1, and the Redis user of this process lacks the rights to take it over: run "kitechat-sender reshard ${stamp.shards}" once as a user that may, such as kitechat-reshard of ops/redis-acl/users.acl`,
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

/** Whoever connects from now on is refused or takes part, so version 0.1 stores nothing after this step. */
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

/** @returns the next step; `null` if another process has taken it. */
async function advance(step: Step, stamp: Stamp): Promise<Step | null> {
  const stored = await replaceStamp(step.redis, step.namespace, step.stored, stamp);
  return stored && { ...step, stored };
}

/** Whether nobody takes the next step for a while. */
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

/** Asks for what the later steps need, before anything is changed. */
async function demandRights({ redis, namespace, shards }: Step): Promise<void> {
  const nodes = await nodesWith(redis, shardRoots(namespace, shards));
  await Promise.all(
    nodes.map(async (node) => {
      await node.scan('0', 'COUNT', 1);
      await node.client('LIST');
      // The address of nobody.
      await node.client('KILL', 'ADDR', '0.0.0.0:0');
    }),
  );
}
