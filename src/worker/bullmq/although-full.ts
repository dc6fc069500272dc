import type { LaneRedis } from '../../shared/lanes/commands.ts';

interface Script {
  lua: string;
  numberOfKeys: number;
}

/** BullMQ's scripts that a worker calls. The first key of both is BullMQ's set `stalled`. */
const CALLED = ['moveStalledJobsToWait', 'extendLocks'];
/** Redis refuses a script's first write when it has no memory left, unless that write takes none. */
const FIRST_WRITE = "redis.call('SREM', KEYS[1], '')\n";

/** Lets BullMQ's scripts run on this connection, which knows them already, when Redis has no memory left. */
export function letBullMqRunAlthoughFull(redis: LaneRedis): void {
  for (const [name, { lua, numberOfKeys }] of Object.entries<Script>(redis.scriptsSet)) {
    const isCalled = CALLED.some((called) => name.startsWith(`${called}:`));
    if (isCalled && !lua.startsWith(FIRST_WRITE)) redis.defineCommand(name, { lua: FIRST_WRITE + lua, numberOfKeys });
  }
}
