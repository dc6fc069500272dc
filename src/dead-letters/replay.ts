import type { DeadLetterPayload } from '../shared/model/dead-letter.ts';
import { InvalidMessageError } from '../shared/errors/errors.ts';
import { laneOf } from '../shared/lanes/key-names.ts';
import { mayHaveArrived } from '../shared/model/may-have-arrived.ts';
import type { StoredLetter } from '../shared/lanes/dead/dead-letters.ts';
import type { SendRequest } from '../shared/model/message.ts';
import { openRequest } from '../shared/sealing/content.ts';
import type { Sealing } from '../shared/sealing/sealing.ts';
import { editRequest, type RequestEdits } from './edit-request.ts';
import { createPacer } from './pacer.ts';
import type { OnProgress } from './entry.ts';
import { type ReplayDeps, replayOne } from './replay-one.ts';
import { type Candidate, type DeadLetterSelection, inGivenOrder, select, type SelectDeps } from './selection.ts';

/** Options of a replay. */
export interface ReplayOptions {
  /** Includes entries that expired, and those that may have arrived already: if they did, they arrive twice. */
  force?: boolean | undefined;
  /** Reports what would happen and changes nothing: `done` is 0. */
  dryRun?: boolean | undefined;
  /** The maximum rate, such as `200/s` or `300/min`. Default: as fast as Redis stores messages. */
  rate?: string | undefined;
  /**
   * New texts for the one entry in `ids`, by their paths in the request, such as `message.text` or
   * `message.template.buttons[0].url`. The whole request is validated before anything is changed.
   */
  set?: RequestEdits | undefined;
  /** Stops after the entries in progress; the result says what was done. */
  signal?: AbortSignal | undefined;
  /** Called for each entry that was sent again, with its id and the new id of its message. */
  onReplayed?: ((id: string, newId: string) => void) | undefined;
  /** Called after each entry. */
  onProgress?: OnProgress | undefined;
}

/** The result of a replay. */
export interface ReplayResult {
  /** Entries that were checked. */
  matched: number;
  /** Entries that were sent again. */
  done: number;
  skipped: { id: string; why: 'not found' | 'expired' | 'may have arrived' | 'undecodable' | 'replayed meanwhile' }[];
}

type Why = ReplayResult['skipped'][number]['why'];

/**
 * Sends the selected entries again, the oldest first. Several are replayed at once, but never two of one conversation, so that
 * each conversation keeps its order.
 */
export async function replay(
  deps: ReplayDeps & SelectDeps,
  { set, force = false, dryRun = false, ...options }: DeadLetterSelection & ReplayOptions,
): Promise<ReplayResult> {
  const { rate, signal, onReplayed, onProgress } = options;
  if (set !== undefined) expectOne(options);
  // After a failure this ends all waits for a turn at once.
  const failed = new AbortController();
  const stopped = signal ? AbortSignal.any([signal, failed.signal]) : failed.signal;
  const pacer = createPacer(rate, stopped);
  const selected = await select(deps, options);
  const result: ReplayResult = { matched: 0, done: 0, skipped: [] };
  let failure: { error: unknown } | null = null;
  const tell = (): void => onProgress?.({ ...result, skipped: result.skipped.length, total: selected.total });
  const skip = (id: string, why: Why): void => {
    result.skipped.push({ id, why });
    tell();
  };
  for (const id of selected.notFound) skip(id, 'not found');

  async function send({ id, letter }: Candidate): Promise<void> {
    const replayable = letter ? replayableOf(letter, deps.config.sealing, force) : 'replayed meanwhile';
    if (typeof replayable === 'string') {
      result.matched += 1;
      skip(id, replayable);
      return;
    }
    const request = set === undefined ? replayable.request : editRequest(replayable.request, set);
    if (!dryRun && !(await pacer.turn())) return;
    const newId = dryRun ? null : await replayOne(deps, { id, letter: replayable.letter, request });
    result.matched += 1;
    if (newId === null && !dryRun) {
      skip(id, 'replayed meanwhile');
      return;
    }
    if (newId !== null) {
      result.done += 1;
      onReplayed?.(id, newId);
    }
    tell();
  }

  async function sendConversation(candidates: readonly Candidate[]): Promise<void> {
    for (const candidate of candidates) {
      if (stopped.aborted) return;
      try {
        await send(candidate);
      } catch (error) {
        failure ??= { error };
        failed.abort();
      }
    }
  }

  for await (const batch of selected.batches()) {
    if (stopped.aborted) break;
    await Promise.all(Array.from(Map.groupBy(batch, conversationOf).values(), sendConversation));
  }
  if (failure !== null) throw (failure as { error: unknown }).error;
  return { ...result, skipped: inGivenOrder(options, result.skipped) };
}

function expectOne(selection: DeadLetterSelection): void {
  if ('ids' in selection && selection.ids.length === 1) return;
  throw new InvalidMessageError([{ path: 'set', message: 'changes one entry: give exactly one id with it' }]);
}

function conversationOf({ id, letter }: Candidate): string {
  const request = letter?.payload.request;
  return request ? laneOf(request.pageId, request.conversationId) : id;
}

/** The request to send again, or the reason why it can't be sent. */
function replayableOf(
  { id, payload: letter }: StoredLetter,
  sealing: Sealing,
  force: boolean,
): { letter: DeadLetterPayload; request: SendRequest } | Why {
  if (letter.request === null) return 'undecodable';
  const opened = openRequest(sealing, id, letter.request);
  if ('problem' in opened) return 'undecodable';
  // Of the two, this matters more: the message would arrive twice, not late.
  if (mayHaveArrived(letter) && !force) return 'may have arrived';
  if (letter.reason === 'expired' && !force) return 'expired';
  return { letter, request: opened.request };
}
