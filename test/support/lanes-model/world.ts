import type { LaneRedis } from '../../../src/shared/lanes/commands.ts';
import { eventsKey } from '../../../src/shared/lanes/stream/read-events.ts';
import { type Lanes, openLanes, type Rules } from '../lanes.ts';
import { withoutMemory } from '../without-memory.ts';
import { START } from './model.ts';
import { type Snapshot, takeSnapshot } from './snapshot.ts';

const CLOCK = 'test-clock';

/** Precedes our scripts, in place of Redis's own clock. */
export const TEST_CLOCK_LUA = `local function redisNowMs() return tonumber(redis.call('GET', '${CLOCK}')) end\n`;

/** The real Redis with our scripts, and functions that do what BullMQ and operators do in between. */
export interface World extends Pick<Lanes, 'shard' | 'queues' | 'turn'> {
  redis: LaneRedis;
  look(): Promise<Snapshot>;
  /** What became of messages, in the order in which it was told: `<type> <id>`. `null` if nobody reads in this run. */
  told(): Promise<string[] | null>;
  /** Empties Redis, for the next run. In every second run a group reads events, but acknowledges none. */
  begin(rules: Rules): Promise<void>;
  setClock(nowMs: number): Promise<void>;
  /** A waiting worker receives the wake-up. */
  hearMarker(): Promise<void>;
  /** BullMQ's stalled check: a job whose lock has ended goes to the front. */
  stall(id: string): Promise<void>;
  /** An operator moves a job from one of BullMQ's sets into `wait`. */
  promote(id: string, from: string): Promise<void>;
  remove(id: string): Promise<void>;
  /** A key of the shard. */
  forget(...keys: string[]): Promise<void>;
}

const NAMESPACE = 'model';

export async function openWorld(redis: LaneRedis): Promise<World> {
  await redis.set(CLOCK, START);
  const { shard, queues, sendRoot, turn, rules: setRules, stall } = await openLanes(redis, NAMESPACE);
  const setClock = async (nowMs: number): Promise<void> => void (await redis.set(CLOCK, nowMs));
  const events = eventsKey(shard);
  let isRead = false;
  const mark = async (): Promise<void> => void (await redis.zadd(`${sendRoot}marker`, 0, '0'));

  return {
    shard,
    queues,
    turn,
    redis,
    setClock,
    look: async () => await takeSnapshot(redis, shard.root),
    async begin(rules) {
      await redis.flushdb();
      await setClock(START);
      await setRules(rules);
      isRead = !isRead;
      if (isRead) await redis.xgroup('CREATE', events, 'model', '$', 'MKSTREAM');
    },
    async told() {
      if (!isRead) return null;
      const entries = await redis.xrange(events, '-', '+');
      return entries.map(([, [, text = '']]) => text.split('\u001F', 2).join(' '));
    },
    hearMarker: async () => void (await redis.del(`${sendRoot}marker`)),
    async stall(id) {
      await stall({ id });
      await mark();
    },
    async promote(id, from) {
      await redis.multi().zrem(`${sendRoot}${from}`, id).lpush(`${sendRoot}wait`, id).exec();
      await mark();
    },
    async remove(id) {
      const removed = await queues.send.remove(id);
      if (removed !== 1) throw new Error(`BullMQ did not remove ${id}`);
    },
    async forget(...keys) {
      await redis.del(...keys.map((key) => `${shard.root}${key}`));
    },
  };
}

/**
 * Runs one script while Redis has no memory left: the script may do everything or nothing, but not a part.
 *
 * @returns `undefined` if the script did nothing.
 */
export async function allOrNothing<T>({ redis }: World, act: () => Promise<T>): Promise<T | undefined> {
  return await withoutMemory(redis, act).catch((error: unknown) => {
    if (!(error instanceof Error) || !error.message.startsWith('OOM')) throw error;
    return undefined;
  });
}
