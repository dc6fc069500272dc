import { highestOf, type Position, type Seen, type SeenMark, type SeenMarks } from '../../shared/lanes/lib/timeline.ts';
import type { Shard } from '../../shared/lanes/shard.ts';
import type { MarkFiles } from './mark-files.ts';

/** What a worker remembers of the state of each shard, to notice when Redis has gone back to an earlier one. */
export interface Marks {
  /** Reads what earlier workers have written into the folder. */
  load(): Promise<void>;
  /** The latest position as a take names it; '' if the shard was not seen yet. */
  positionOf(shard: Shard): string;
  seenOf(shard: Shard): SeenMarks;
  note(shard: Shard, position: Position): void;
  /** Notes a later mark of the timeline of the last position. */
  saw(shard: Shard, seen: SeenMark): void;
  /** Writes the latest positions into the folder. */
  save(): Promise<void>;
}

/** Where the calls of a worker find a shard. */
export interface Whereabouts {
  /** Where the worker last saw the shard, see `Turn`. */
  position(): string;
  /** Called with what a call has found. */
  saw(seen: Seen): void;
}

const SAVE_MS = 5000;

interface Memory {
  /** The timeline of the last position. */
  timeline: string | null;
  seen: SeenMarks;
  /** Infinity while a save is under way. */
  savedAt: number;
  /** The last save. */
  saving: Promise<void>;
}

/** @param files `null` if the worker has no folder, and forgets everything when it ends */
export function createMarks(shards: readonly Shard[], files: MarkFiles | null): Marks {
  const memories = new Map<Shard, Memory>();

  function memoryOf(shard: Shard): Memory {
    const memory = memories.get(shard) ?? { timeline: null, seen: {}, savedAt: -Infinity, saving: Promise.resolve() };
    memories.set(shard, memory);
    return memory;
  }

  async function saveOne(shard: Shard): Promise<void> {
    const memory = memoryOf(shard);
    if (!files || memory.timeline === null) return;
    memory.savedAt = Infinity;
    memory.saving = memory.saving.then(async () => {
      await files.write(shard.index, memory.seen);
      memory.savedAt = performance.now();
    });
    await memory.saving;
  }

  return {
    async load() {
      if (files) for (const shard of shards) memoryOf(shard).seen = await files.read(shard.index);
    },
    positionOf(shard) {
      const { timeline, seen } = memoryOf(shard);
      return timeline === null ? '' : `${timeline} ${seen[timeline]?.mark ?? 0}`;
    },
    seenOf: (shard) => memoryOf(shard).seen,
    note(shard, { timeline, mark, at }) {
      const memory = memoryOf(shard);
      memory.timeline = timeline;
      memory.seen = highestOf([...Object.entries(memory.seen), [timeline, { mark, at }]]);
      if (performance.now() - memory.savedAt >= SAVE_MS) void saveOne(shard);
    },
    saw(shard, seen) {
      const { timeline, seen: all } = memoryOf(shard);
      const known = timeline === null ? undefined : all[timeline];
      if (timeline !== null && known !== undefined && known.mark < seen.mark) all[timeline] = seen;
    },
    async save() {
      await Promise.all(shards.map(saveOne));
    },
  };
}
