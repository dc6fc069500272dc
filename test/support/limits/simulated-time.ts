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
  nowMs(): number;
  goTo(nowMs: number): Promise<void>;
  /** Empties Redis, and begins at the start again. */
  begin(): Promise<void>;
  stop(): Promise<void>;
}

export async function startSimulatedTime(): Promise<SimulatedTime> {
  const server = await startTestRedis();
  const redis = withLaneCommands(new Client(server.url, { maxRetriesPerRequest: null }), CLOCK_LUA);
  let now = START;
  const time: Redis['time'] = () => Promise.resolve([Math.floor(now / 1000), (now % 1000) * 1000]);
  // What asks for the time without a script gets the same.
  redis.time = time;

  const goTo = async (nowMs: number): Promise<void> => {
    now = nowMs;
    await redis.set(CLOCK, nowMs);
  };
  return {
    redis,
    nowMs: () => now,
    goTo,
    async begin() {
      await redis.flushdb();
      await goTo(START);
    },
    async stop() {
      redis.disconnect();
      await server.stop();
    },
  };
}
