import { deadlineIn, DeadlineError, within } from '../../shared/redis/deadline.ts';
import { readPace, readWork, type ShardPace, type ShardWork, writePace } from '../../shared/lanes/fleet/limits.ts';
import type { LaneRedis } from '../../shared/lanes/commands.ts';

/** What was read of a shard. */
export interface SeenShard {
  /** `null` if no leader has written the shard's limits yet. */
  pace: ShardPace | null;
  /** The term of the leader that wrote the limits. */
  term: number;
  /** `null` if it was not read. */
  work: ShardWork | null;
}

/** The result of writing a shard's limits. */
export interface Written {
  isWritten: boolean;
  /** How far ahead slots are reserved at the old pace, in ms. */
  reservedMs: number;
}

/** Reads and writes the limits of all shards. A shard that has not answered is not asked again until it has, so none delays the others. */
export interface ShardPaces {
  /** @returns one answer for each shard, `null` for one that can't be read now. */
  look(withWork: boolean): Promise<(SeenShard | null)[]>;
  write(index: number, term: number, pace: ShardPace): Promise<Written>;
  /** The highest term that a shard had. */
  highestTerm(): number;
  /** @throws the last error of Redis since the last call of this method, if there was one. */
  throwLastError(): void;
}

/** How long one shard may take to answer. */
const PATIENCE_MS = 700;
const NOT_WRITTEN: Written = { isWritten: false, reservedMs: 0 };

export function createShardPaces(redis: LaneRedis, shards: readonly { root: string }[]): ShardPaces {
  /** Shards that have not answered yet. */
  const silent = new Set<number>();
  let highestTerm = 0;
  let lastError: Error | null = null;

  async function ask<T>(index: number, question: (root: string) => Promise<T>): Promise<T | null> {
    const shard = shards[index];
    if (!shard || silent.has(index)) return null;
    silent.add(index);
    const answer = question(shard.root).finally(() => silent.delete(index));
    try {
      return await within(deadlineIn(PATIENCE_MS), answer);
    } catch (error) {
      if (error instanceof Error && !(error instanceof DeadlineError)) lastError = error;
      // An error after the deadline adds nothing: the shard counts as silent already.
      answer.catch(() => {});
      return null;
    }
  }

  async function lookAt(index: number, withWork: boolean): Promise<SeenShard | null> {
    const seen = await ask(index, async (root) => {
      const [{ pace, term }, work] = await Promise.all([
        readPace(redis, root),
        withWork ? readWork(redis, root) : Promise.resolve(null),
      ]);
      return { pace, term, work };
    });
    if (seen) highestTerm = Math.max(highestTerm, seen.term);
    return seen;
  }

  return {
    look: async (withWork) => await Promise.all(shards.map((_, index) => lookAt(index, withWork))),
    async write(index, term, pace) {
      const written = await ask(index, (root) => writePace(redis, root, term, pace));
      if (!written) return NOT_WRITTEN;
      highestTerm = Math.max(highestTerm, written.term);
      return { isWritten: written.term === term, reservedMs: written.reservedMs };
    },
    highestTerm: () => highestTerm,
    throwLastError() {
      const error = lastError;
      lastError = null;
      if (error) throw error;
    },
  };
}
