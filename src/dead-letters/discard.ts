import { shardOfId } from '../shared/lanes/key-names.ts';
import { discardLetters } from '../shared/lanes/dead/dead-letters.ts';
import type { OnProgress } from './entry.ts';
import type { ReplayDeps } from './replay-one.ts';
import { type Candidate, type DeadLetterSelection, inGivenOrder, select, type SelectDeps } from './selection.ts';

/** Options of a discard. */
export interface DiscardOptions {
  /** Reports what would happen and changes nothing: `done` is 0. */
  dryRun?: boolean | undefined;
  /** Stops after the entries in progress; the result says what was done. */
  signal?: AbortSignal | undefined;
  /** Called about every hundred entries. */
  onProgress?: OnProgress | undefined;
}

/** The result of a discard. */
export interface DiscardResult {
  /** Entries that were checked. */
  matched: number;
  /** Entries that were removed. */
  done: number;
  skipped: { id: string; why: 'not found' | 'gone meanwhile' }[];
}

/** Removes the selected entries permanently, the oldest first. */
export async function discard(
  deps: Pick<ReplayDeps, 'session' | 'newDeadline'> & SelectDeps,
  { dryRun = false, signal, onProgress, ...selection }: DeadLetterSelection & DiscardOptions,
): Promise<DiscardResult> {
  const selected = await select(deps, selection);
  const result: DiscardResult = { matched: 0, done: 0, skipped: [] };
  for (const id of selected.notFound) result.skipped.push({ id, why: 'not found' });

  for await (const batch of selected.batches()) {
    if (signal?.aborted) break;
    result.matched += batch.length;
    if (!dryRun) {
      const gone = await discardBatch(deps, batch);
      result.done += batch.length - gone.length;
      for (const id of gone) result.skipped.push({ id, why: 'gone meanwhile' });
    }
    onProgress?.({ ...result, skipped: result.skipped.length, total: selected.total });
  }
  return { ...result, skipped: inGivenOrder(selection, result.skipped) };
}

/** @returns the ids of entries that were already gone. */
async function discardBatch(
  { session, newDeadline }: Pick<ReplayDeps, 'session' | 'newDeadline'>,
  batch: readonly Candidate[],
): Promise<string[]> {
  const gone: string[] = [];
  for (const [index, candidates] of Map.groupBy(batch, ({ id }) => shardOfId(id) ?? 0)) {
    const ids = candidates.map(({ id }) => id);
    const wereThere = await session.change(index, newDeadline(), (shard) => discardLetters(shard, ids));
    gone.push(...ids.filter((_id, at) => !wereThere[at]));
  }
  return gone;
}
