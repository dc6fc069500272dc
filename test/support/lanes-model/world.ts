import { vi } from 'vitest';
import type { LaneRedis } from '../../../src/shared/lanes/commands.ts';
import { registerWorker } from '../../../src/shared/lanes/register.ts';
import type { Shard } from '../../../src/shared/queues.ts';
import { openLanes } from '../lanes.ts';
import { START } from './model.ts';
import { fleetRulesOf, type Rules } from './pace.ts';
import { type Snapshot, takeSnapshot } from './snapshot.ts';
import { openTwin, type Twin } from './twin.ts';

const CLOCK = 'test-clock';

/** Put before our scripts instead of Redis's own clock. */
export const TEST_CLOCK_LUA = `local function redisNowMs() return tonumber(redis.call('GET', '${CLOCK}')) end\n`;

/** The real Redis with our scripts, and by hand what BullMQ does between them. */
export interface World {
  shard: Shard;
  redis: LaneRedis;
  twin: Twin;
  look(): Promise<Snapshot>;
  /** Empties Redis, for the next run. */
  begin(rules: Rules): Promise<void>;
  setClock(nowMs: number): Promise<void>;
  /** From `wait` to `active`, under a lock. */
  take(token: string): Promise<string | null>;
  complete(id: string, nowMs: number): Promise<void>;
  discard(id: string): Promise<void>;
  putOff(id: string, untilMs: number): Promise<void>;
  /** A delay is over, or an operator promotes the job. */
  comeBack(id: string): Promise<void>;
  endLock(id: string): Promise<void>;
  /** The stalled check: a job without a lock goes to the front. */
  stall(id: string): Promise<void>;
  fail(id: string): Promise<void>;
  /** An operator's: out of one of BullMQ's sets into `wait`. */
  requeue(id: string, from: 'waiting-children' | 'failed' | 'completed'): Promise<void>;
  remove(id: string): Promise<void>;
  forgetKey(name: string): Promise<void>;
}

const NAMESPACE = 'model';

/** @param other a second connection, for a second database */
export async function openWorld(redis: LaneRedis, other: LaneRedis): Promise<World> {
  const lanes = await openLanes(redis, NAMESPACE);
  const twin = await openTwin(redis, other, NAMESPACE);
  const { shard } = lanes;
  const send = `${shard.root}send:`;
  const leaveActive = (id: string) => redis.multi().lrem(`${send}active`, 1, id).del(`${send}${id}:lock`);

  const setClock = async (nowMs: number): Promise<void> => {
    // BullMQ takes a job's timestamp from this process: with it a run is the same every time.
    vi.setSystemTime(nowMs);
    await redis.set(CLOCK, nowMs);
  };

  return {
    shard,
    redis,
    twin,
    setClock,
    look: async () => await takeSnapshot(redis, shard.root),
    async begin(rules) {
      await redis.flushdb();
      await setClock(START);
      await registerWorker(shard, 'w0', null, fleetRulesOf(rules));
    },
    async take(token) {
      const id = await redis.rpoplpush(`${send}wait`, `${send}active`);
      if (id !== null) await redis.set(`${send}${id}:lock`, token, 'PX', 3_600_000);
      return id;
    },
    async complete(id, nowMs) {
      await leaveActive(id).zadd(`${send}completed`, nowMs, id).exec();
    },
    async discard(id) {
      await lanes.finish({ id, token: '' });
    },
    async putOff(id, untilMs) {
      await leaveActive(id).zadd(`${send}delayed`, untilMs, id).exec();
    },
    async comeBack(id) {
      await lanes.comeBack(id);
    },
    async endLock(id) {
      await redis.del(`${send}${id}:lock`);
    },
    async stall(id) {
      await lanes.stall({ id, token: '' });
    },
    async fail(id) {
      await leaveActive(id).zadd(`${send}failed`, 1, id).exec();
    },
    async requeue(id, from) {
      await redis.multi().zrem(`${send}${from}`, id).lpush(`${send}wait`, id).exec();
    },
    async remove(id) {
      const removed = await shard.send.remove(id);
      if (removed !== 1) throw new Error(`BullMQ did not remove ${id}`);
    },
    async forgetKey(name) {
      await redis.del(`${shard.root}idem:${name}`);
    },
  };
}
