import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, vi } from 'vitest';
import { type LaneRedis, withLaneCommands } from '../../../src/shared/lanes/commands.ts';
import { useRedis } from '../use-redis.ts';

const CLOCK = 'simulated-time';
/** Read once per call, like the real clock. */
const CLOCK_LUA = `
local timeOfCall
local function redisNowMs()
  timeOfCall = timeOfCall or tonumber(redis.call('GET', '${CLOCK}'))
  return timeOfCall
end
`;

/** The time at which a simulation begins. */
export const START = Date.UTC(2026, 10, 22, 10);

/** A real Redis with the real scripts, whose clock stands still until a test sets it. */
export interface SimulatedTime {
  readonly redis: LaneRedis;
  /** Redis's time. */
  nowMs(): number;
  goTo(nowMs: number): Promise<void>;
  /** Lets a number of ms pass. */
  pass(ms: number): Promise<void>;
  /** The time since the start on the clock of workers, which is never stepped. */
  elapsedMs(): number;
  passTo(elapsedMs: number): Promise<void>;
  /** Steps only Redis's clock. */
  step(byMs: number): Promise<void>;
  /** Empties Redis and resets the time to the start, as before each test. */
  begin(): Promise<void>;
}

export interface SimulatedTimeOptions {
  /** Lets `pass` also advance the time of this process, which `performance.now()` returns. */
  withPerformance?: boolean;
}

/** A simulated time that is reset for each test. Called at the top of a file or of a `describe`. */
export function useSimulatedTime({ withPerformance = false }: SimulatedTimeOptions = {}): SimulatedTime {
  const used = useRedis();
  let redis: LaneRedis;
  let now = START;
  let steppedMs = 0;

  const goTo = async (nowMs: number): Promise<void> => {
    now = nowMs;
    // The scripts count whole ms.
    await redis.set(CLOCK, Math.floor(nowMs));
  };
  const begin = async (): Promise<void> => {
    await redis.flushdb();
    steppedMs = 0;
    await goTo(START);
  };

  beforeAll(() => {
    redis = withLaneCommands(new Redis(used.url, { maxRetriesPerRequest: null }), CLOCK_LUA);
    // Commands that ask for the time without a script get the same time.
    const time: Redis['time'] = () => Promise.resolve([Math.floor(now / 1000), (now % 1000) * 1000]);
    redis.time = time;
  });
  beforeEach(async () => {
    if (withPerformance) vi.useFakeTimers({ toFake: ['performance'] });
    await begin();
  });
  afterEach(() => {
    if (withPerformance) vi.useRealTimers();
  });
  afterAll(() => redis.disconnect());

  return {
    get redis() {
      return redis;
    },
    nowMs: () => now,
    goTo,
    async pass(ms) {
      if (withPerformance) vi.advanceTimersByTime(ms);
      await goTo(now + ms);
    },
    elapsedMs: () => now - steppedMs - START,
    passTo: async (elapsedMs) => await goTo(START + steppedMs + elapsedMs),
    async step(byMs) {
      steppedMs += byMs;
      await goTo(now + byMs);
    },
    begin,
  };
}
