import { readFields } from '../read-bounded.ts';
import { jobKeys, type Shard } from '../shard.ts';

/** An attempt that was found open after its worker had died. */
export interface OpenAttempt {
  /** When it was opened, on Redis's clock; `null` if that is not known. */
  openedAtMs: number | null;
  /** Whether a worker has died after the message had already killed as many as it may. */
  isPastCrashed: boolean;
}

/** As in worker-died.lua. */
const MOST_CRASHES = 5;

/** Reads what Redis knows of the open attempt of a message. */
export async function readOpenAttempt(shard: Shard, id: string): Promise<OpenAttempt> {
  const { processedOn, crashes } = await readFields(shard, jobKeys(shard, id).job, ['processedOn', 'crashes']);
  const openedAtMs = Number(processedOn);
  return {
    openedAtMs: Number.isSafeInteger(openedAtMs) && openedAtMs > 0 ? openedAtMs : null,
    isPastCrashed: Number(crashes) > MOST_CRASHES,
  };
}
