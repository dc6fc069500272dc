import { shardOfId } from '../shared/lanes/key-names.ts';
import type { LetterPosition } from '../shared/lanes/dead/dead-letters.ts';
import type { DeadLetterEntry } from './entry.ts';
import type { LetterSearch } from './letter-search.ts';
import { UnknownPositionError } from '../shared/errors/errors.ts';

/** The last entry of a page of a list, or its id. */
export type PageEnd = string | Pick<DeadLetterEntry, 'id' | 'deadAt'>;

/** The number of page ends that are remembered. */
const REMEMBERED = 1000;

/**
 * Remembers the last entries of pages. A position needs the time of death, which is lost when the entry is replayed, and paging
 * must continue even then.
 */
export function createPositions({ shards, search }: { shards: number; search: LetterSearch }) {
  const deathTimes = new Map<string, number>();

  return {
    note({ id, deadAtMs }: LetterPosition): void {
      deathTimes.delete(id);
      deathTimes.set(id, deadAtMs);
      const [oldest] = deathTimes.keys();
      if (deathTimes.size > REMEMBERED && oldest !== undefined) deathTimes.delete(oldest);
    },
    /** @throws UnknownPositionError */
    async of(end: PageEnd): Promise<LetterPosition> {
      if (typeof end !== 'string') return { id: end.id, deadAtMs: Date.parse(end.deadAt) };
      const remembered = deathTimes.get(end);
      if (remembered !== undefined) return { id: end, deadAtMs: remembered };
      const index = shardOfId(end);
      const [letter] = index === null || index >= shards ? [] : await search.load(index, [end]);
      if (!letter) throw new UnknownPositionError();
      return letter;
    },
  };
}
