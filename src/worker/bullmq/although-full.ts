import type { LaneRedis } from '../../shared/lanes/commands.ts';

interface Script {
  lua: string;
  numberOfKeys: number;
}

/** BullMQ's script that a worker calls. Its first key is BullMQ's set `stalled`. */
const CALLED = 'extendLocks:';
/** Redis refuses a script's first write when it has no memory left, unless that write takes none. */
const FIRST_WRITE = "redis.call('SREM', KEYS[1], '')\n";

/** Lets BullMQ's script run on this connection, which knows it already, when Redis has no memory left. */
export function letBullMqRunAlthoughFull(redis: LaneRedis): void {
  for (const [name, { lua, numberOfKeys }] of Object.entries<Script>(redis.scriptsSet)) {
    const isUnchanged = name.startsWith(CALLED) && !lua.startsWith(FIRST_WRITE);
    if (isUnchanged) redis.defineCommand(name, { lua: FIRST_WRITE + lua, numberOfKeys });
  }
}
