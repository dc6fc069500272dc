import type { RedisServer } from '../../src/testing/redis/redis-handle.ts';
import { startRedisServer } from '../../src/testing/redis/redis-server.ts';
import { type AnyRedis, type Arena, type ArenaOptions, openArena } from './arena.ts';
import type { Outcome, Scenario } from './scenario.ts';

interface PlayOn<Server extends AnyRedis> extends Omit<ArenaOptions<Server>, 'seed'> {
  name: string;
  play(arena: Arena<Server>): Promise<Outcome>;
}

/** A scenario on a Redis of its own kind. */
export function inArenaOn<Server extends AnyRedis>({ name, play, ...options }: PlayOn<Server>): Scenario {
  return {
    name,
    async run(seed) {
      await using arena = await openArena({ seed, ...options });
      return await play(arena);
    },
  };
}

export type Play = Omit<PlayOn<RedisServer>, 'startRedis'>;

/** A scenario on a single Redis with AOF. */
export function inArena(play: Play): Scenario {
  return inArenaOn({ ...play, startRedis: () => startRedisServer({ appendOnly: true }) });
}
