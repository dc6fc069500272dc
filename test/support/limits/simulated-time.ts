import { type Redis, Redis as Client } from 'ioredis';
import { type LaneRedis, withLaneCommands } from '../../../src/shared/lanes/commands.ts';
import { startTestRedis } from '../redis.ts';

const CLOCK = 'simulated-time';
/** Asked once in a call, as the real one is. */
const CLOCK_LUA = `
local timeOfCall
local function redisNowMs()
  timeOfCall = timeOfCall or tonumber(redis.call('GET', '${CLOCK}'))
  return timeOfCall
end
`;

/** When a simulation begins. */
export const START = Date.UTC(2026, 10, 22, 10);

/** A real Redis with the real scripts, whose clock stands still until it is told the time. */
export interface SimulatedTime {
  redis: LaneRedis;
  /** Redis's time. */
  nowMs(): number;
  goTo(nowMs: number): Promise<void>;
  /** The time since the start on a clock that nobody steps: that of workers. */
  elapsedMs(): number;
  passTo(elapsedMs: number): Promise<void>;
  /** Steps Redis's clock only. */
  step(byMs: number): Promise<void>;
  /** Empties Redis, and begins at the start again. */
  begin(): Promise<void>;
  stop(): Promise<void>;
}

export async function startSimulatedTime(): Promise<SimulatedTime> {
  const server = await startTestRedis();
  const redis = withLaneCommands(new Client(server.url, { maxRetriesPerRequest: null }), CLOCK_LUA);
  let now = START;
  let steppedMs = 0;
  const time: Redis['time'] = () => Promise.resolve([Math.floor(now / 1000), (now % 1000) * 1000]);
  // What asks for the time without a script gets the same.
  redis.time = time;

  const goTo = async (nowMs: number): Promise<void> => {
    now = nowMs;
    // The scripts count whole ms.
    await redis.set(CLOCK, Math.floor(nowMs));
  };
  return {
    redis,
    nowMs: () => now,
    goTo,
    elapsedMs: () => now - steppedMs - START,
    passTo: async (elapsedMs) => await goTo(START + steppedMs + elapsedMs),
    async step(byMs) {
      steppedMs += byMs;
      await goTo(now + byMs);
    },
    async begin() {
      await redis.flushdb();
      steppedMs = 0;
      await goTo(START);
    },
    async stop() {
      redis.disconnect();
      await server.stop();
    },
  };
}
