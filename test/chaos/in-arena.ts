import { type Arena, type ArenaOptions, openArena } from './arena.ts';
import type { Outcome, Scenario } from './scenario.ts';

export interface Play extends Omit<ArenaOptions, 'seed'> {
  name: string;
  play(arena: Arena): Promise<Outcome>;
}

/** A scenario that runs in an arena of its own. */
export function inArena({ name, play, ...options }: Play): Scenario {
  return {
    name,
    async run(seed) {
      await using arena = await openArena({ seed, ...options });
      return await play(arena);
    },
  };
}
