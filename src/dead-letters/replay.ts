import type { DeadLetterPayload } from '../shared/model/dead-letter.ts';
import { InvalidMessageError } from '../shared/errors/errors.ts';
import { laneOf } from '../shared/lanes/key-names.ts';
import type { StoredLetter } from '../shared/lanes/dead/dead-letters.ts';
import type { SendRequest } from '../shared/model/message.ts';
import { openRequest } from '../shared/sealing/content.ts';
import type { Sealing } from '../shared/sealing/sealing.ts';
import { editRequest, type RequestEdits } from './edit-request.ts';
import { createPacer } from './pacer.ts';
import type { OnProgress } from './entry.ts';
import { type ReplayDeps, replayOne } from './replay-one.ts';
import { type Candidate, type DeadLetterSelection, inGivenOrder, select, type SelectDeps } from './selection.ts';

/** How dead letters are sent again. */
export interface ReplayOptions {
  /** Also those that died because they had become too old. */
  force?: boolean | undefined;
  /** Tells what would happen and changes nothing: `done` is 0. */
  dryRun?: boolean | undefined;
  /** How fast at most, such as `200/s` or `300/min`; as fast as Redis takes them if not given. */
  rate?: string | undefined;
  /**
   * Changes of the one entry in `ids`: paths of its request, such as `message.text` or `message.template.buttons[0].url`, and
   * the texts to put there. The whole request is validated before anything is changed.
   */
  set?: RequestEdits | undefined;
  /** Stops after the entries under way; the result says what was done. */
  signal?: AbortSignal | undefined;
  /** Told of each entry that was sent again, and of the id that its message has now. */
  onReplayed?: ((id: string, newId: string) => void) | undefined;
  /** Told after each entry. */
  onProgress?: OnProgress | undefined;
}

/** What became of the entries of a replay. */
export interface ReplayResult {
  /** Entries that were looked at. */
  matched: number;
  /** Entries that were sent again. */
  done: number;
  skipped: { id: string; why: 'not found' | 'expired' | 'undecodable' | 'replayed meanwhile' }[];
}

type Why = ReplayResult['skipped'][number]['why'];

/**
 * Sends the selected entries again, the oldest first. Several are under way at once, but never two of one conversation, so each
 * keeps its order.
 */
export async function replay(
  deps: ReplayDeps & SelectDeps,
  { set, force = false, dryRun = false, ...options }: DeadLetterSelection & ReplayOptions,
): Promise<ReplayResult> {
  const { rate, signal, onReplayed, onProgress } = options;
  if (set !== undefined) expectOne(options);
  // Whoever waits for a turn learns at once that there will be none.
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

/** The request that can be sent again, or why it can't. */
function replayableOf(
  { id, payload: letter }: StoredLetter,
  sealing: Sealing,
  force: boolean,
): { letter: DeadLetterPayload; request: SendRequest } | Why {
  if (letter.request === null) return 'undecodable';
  if (letter.reason === 'expired' && !force) return 'expired';
  const opened = openRequest(sealing, id, letter.request);
  return 'problem' in opened ? 'undecodable' : { letter, request: opened.request };
}
