import { deadlineIn, DeadlineError, within } from '../../shared/redis/deadline.ts';
import { readPace, readWork, type ShardPace, type ShardWork, writePace } from '../../shared/lanes/fleet/limits.ts';
import type { LaneRedis } from '../../shared/lanes/commands.ts';

/** What a shard was found with. */
export interface SeenShard {
  /** `null` if it does not know yet how fast it may send. */
  pace: ShardPace | null;
  /** The term of the leader that wrote it. */
  term: number;
  /** `null` if it was not asked for. */
  work: ShardWork | null;
}

/** What became of an order to write. */
export interface Written {
  isWritten: boolean;
  /** How long slots that leave at the old pace are reserved ahead. */
  reservedMs: number;
}

/** The pace of all shards. A shard whose node is away keeps nobody waiting: one that owes an answer is not asked again. */
export interface ShardPaces {
  /** @returns one answer for each shard, `null` for one that can't be read now. */
  look(withWork: boolean): Promise<(SeenShard | null)[]>;
  write(index: number, term: number, pace: ShardPace): Promise<Written>;
  /** The highest term that a shard had. */
  highestTerm(): number;
  /** @throws the last error that Redis has answered since the last call, if there was one. */
  throwLastError(): void;
}

/** How long one shard may take. */
const PATIENCE_MS = 700;
const NOT_WRITTEN: Written = { isWritten: false, reservedMs: 0 };

export function createShardPaces(redis: LaneRedis, shards: readonly { root: string }[]): ShardPaces {
  /** Shards that owe an answer. */
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
      // An error that comes after the deadline tells no more than the silence did.
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
