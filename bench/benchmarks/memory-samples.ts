import { monotonicMs } from '../../test/support/api/monotonic-ms.ts';
import { residentMegabytes } from '../stage/resident-memory.ts';

const BETWEEN_MS = 200;

/** The memory of a process, again and again: the garbage collector makes a single look say little. */
export function memorySamples(pid: number) {
  const taken: number[] = [];
  let takenAtMs = -Infinity;
  return {
    /** To be called often: it looks when it is time again. */
    take(): void {
      if (monotonicMs() - takenAtMs < BETWEEN_MS) return;
      takenAtMs = monotonicMs();
      taken.push(residentMegabytes(pid));
    },
    megabytes: (): readonly number[] => taken,
  };
}
