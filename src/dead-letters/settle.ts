import * as z from 'zod';
import { InvalidMessageError } from '../shared/errors/errors.ts';
import { encodeAttempt } from '../shared/model/attempts.ts';
import { type DeadLetterPayload, parseDeadLetter } from '../shared/model/dead-letter.ts';
import { isOutcomeUnknown } from '../shared/model/may-have-arrived.ts';
import { MAX_OPERATOR_NAME, type LetterResolution } from '../shared/model/resolution.ts';
import { laneOf, shardOfId } from '../shared/lanes/key-names.ts';
import { type LetterFinding, readLetterData, settleLetter } from '../shared/lanes/dead/dead-letters.ts';
import { readMessage } from '../shared/reading/message.ts';
import { describeIssue, fields, issuesOf } from '../shared/validation/issues.ts';
import { opaqueText } from '../shared/validation/rules.ts';
import type { ReplayDeps } from './replay-one.ts';
import type { SelectDeps } from './selection.ts';

/** What an operator found out about a dead letter whose message may have arrived. */
export interface SettleOptions {
  /** The entry's id. */
  id: string;
  outcome: 'delivered' | 'not-delivered';
  /** Who found it out; up to 128 characters. */
  by?: string | undefined;
}

/** The result of settling an entry. */
export interface SettleResult {
  /** 1 if there is such an entry. */
  matched: number;
  /** 1 if the outcome was noted. */
  done: number;
  skipped: { id: string; why: 'not found' | 'outcome known' | 'settled already' | 'gone meanwhile' }[];
}

type Deps = Pick<ReplayDeps, 'session' | 'newDeadline'> &
  Pick<SelectDeps, 'nowMs'> & { config: { shards: number; attempts: number; keepDeadMs: number } };

const optionsSchema = fields({
  id: z.string(),
  outcome: z.enum(['delivered', 'not-delivered']),
  by: opaqueText(MAX_OPERATOR_NAME).optional(),
});

/** More than enough: an entry changes only when somebody else settles it. */
const MOST_TRIES = 5;

/** Notes what became of a message that may have arrived. Of two calls at once, or of a call and a replay or discard, one wins. */
export async function settle(deps: Deps, options: SettleOptions): Promise<SettleResult> {
  const { id, outcome, by = null } = checked(options);
  const { session, config, newDeadline } = deps;
  const skipped = (matched: number, why: SettleResult['skipped'][number]['why']): SettleResult => ({
    matched,
    done: 0,
    skipped: [{ id, why }],
  });
  const index = shardOfId(id);
  if (index === null || index >= config.shards) return skipped(0, 'not found');
  for (let tries = 0; tries < MOST_TRIES; tries += 1) {
    const data = await session.read(index, newDeadline(), (shard) => readLetterData(shard, id));
    if (data === null) {
      if (await wasSettled(deps, id)) return skipped(0, 'settled already');
      return tries === 0 ? skipped(0, 'not found') : skipped(1, 'gone meanwhile');
    }
    const letter = parseDeadLetter(data);
    if (!isOutcomeUnknown(letter)) return skipped(1, 'outcome known');
    if (letter.resolution?.outcome === outcome) return skipped(1, 'settled already');
    const end: LetterFinding['end'] =
      outcome === 'delivered'
        ? { outcome, job: jobOf(letter) }
        : { outcome, data: JSON.stringify({ ...letter, resolution: await resolutionOf(deps, by) }) };
    const finding = { id, data, lane: laneIn(letter), by, label: letter.label, end };
    const answer = await session.change(index, newDeadline(), (shard) => settleLetter(shard, finding));
    if (answer === 'done') return { matched: 1, done: 1, skipped: [] };
  }
  return skipped(1, 'gone meanwhile');
}

function checked(options: SettleOptions): z.infer<typeof optionsSchema> {
  const parsed = optionsSchema.safeParse(options, { error: describeIssue });
  if (!parsed.success) throw new InvalidMessageError(issuesOf(parsed.error, 'settle'));
  return parsed.data;
}

async function wasSettled({ session, config, newDeadline }: Deps, id: string): Promise<boolean> {
  const record = await readMessage(session, config, id, newDeadline());
  return record !== null && record.status !== 'dead' && record.proof === 'operator';
}

async function resolutionOf({ nowMs }: Deps, by: string | null): Promise<LetterResolution> {
  return { outcome: 'not-delivered', proof: 'operator', by, at: new Date(await nowMs()).toISOString() };
}

function laneIn({ request }: DeadLetterPayload): string {
  return request === null ? '' : laneOf(request.pageId, request.conversationId);
}

/** The fields of the delivered message's job. Encrypted content stays as it is. */
function jobOf(letter: DeadLetterPayload): Record<string, string | number> {
  const { request, stored, onUnknownOutcome, replayOf, attempts, attemptsUsed } = letter;
  const timestamp = Date.parse(letter.enqueuedAt);
  return {
    name: request !== null && 'message' in request ? request.message.type : 'message',
    data: JSON.stringify(request ?? stored ?? null),
    opts: '{}',
    timestamp: Number.isNaN(timestamp) ? 0 : timestamp,
    used: attemptsUsed,
    history: attempts.map(({ at, ...attempt }) => encodeAttempt({ ...attempt, atMs: Date.parse(at) })).join('\n'),
    ...(onUnknownOutcome === undefined ? {} : { policy: onUnknownOutcome }),
    ...(replayOf === null ? {} : { replays: replayOf }),
  };
}
