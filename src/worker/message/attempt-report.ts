// As a whole: a Node that lacks this name would fail at this line, before anything can say that it is too old.
import * as zlib from 'node:zlib';
import type { WorkerLogger } from '../../shared/logging/worker-logger.ts';
import type { OutcomeKind } from '../../shared/model/attempts.ts';
import type { DeadReason } from '../../shared/model/dead-letter.ts';
import type { SettleResult } from '../../shared/lanes/messages/settle-and-take.ts';
import { createFlood } from '../fleet/flood.ts';
import type { Ended } from './process.ts';

/** A report of one attempt, for the log and for listeners. It never contains the API key or the message's content. */
export interface AttemptReport {
  id: string;
  /** `null` if the stored request can't be read. */
  pageId: string | null;
  conversationId: string | null;
  type: string | null;
  label: string | null;
  /** `null` if nothing was tried, as with an expired message, or a message that was found delivered before it was sent again. */
  outcome: OutcomeKind | null;
  detail: string | null;
  httpStatus: number | null;
  durationMs: number;
  /** The number of this attempt, from 1. Attempts that don't count don't increase it. */
  attempt: number;
  attemptsAllowed: number;
  /** What happens to the message next. `lost`: another worker has taken the message over, so this attempt decided nothing. */
  next: 'delivered' | 'backoff' | 'hold' | 'dead' | 'lost';
  /** The time until the message can be tried again, for `backoff` and `hold`; otherwise `null`. */
  delayMs: number | null;
  reason: DeadReason | null;
  /** Only if the hook `resolveUnknown` said that the message is delivered, and not the API. */
  proof?: 'hook';
}

const EVERY_DELIVERY = '1/1';
const WAIT_FOR_KEY =
  'messages wait, since this worker lacks their encryption key: give it the key in the file that KITECHAT_ENCRYPTION_KEYS_FILE names';

/** The name of a job is its message's type, but others can write a job with a name of any length. */
const MAX_TYPE_LENGTH = 32;

/** Returns the report of an attempt that its shard has settled. */
export function reportOf({ attempt, settlement }: Ended, result: SettleResult, attemptsAllowed: number): AttemptReport {
  const { taken, message, record, decision } = attempt;
  const { stored } = message;
  const isDone = result.verdict === 'done';
  const isByHook = decision.kind === 'delivered' && decision.proof === 'hook';
  const wasUnsent = isByHook && record?.outcome === 'delivered';
  return {
    id: taken.id,
    pageId: stored?.request.pageId ?? null,
    conversationId: stored?.request.conversationId ?? null,
    type: stored && taken.type.slice(0, MAX_TYPE_LENGTH),
    label: stored?.label ?? null,
    outcome: wasUnsent ? null : (record?.outcome ?? null),
    detail: record?.detail ?? message.problem,
    httpStatus: record?.httpStatus ?? null,
    durationMs: record?.durationMs ?? 0,
    attempt: taken.attemptsUsed + 1,
    attemptsAllowed,
    next: isDone ? decision.kind : 'lost',
    delayMs: isDone && 'delayMs' in settlement ? result.delayMs : null,
    reason: decision.kind === 'dead' ? decision.reason : null,
    ...(isDone && isByHook ? { proof: 'hook' } : {}),
  };
}

/**
 * Logs one wide line per attempt. Of deliveries only the given part, by whole conversations, so that the conversations in the log can
 * be followed in the logs of all workers; and all deliveries that only a hook knows of.
 *
 * Of each kind of job that others can write in any number it logs one line a minute: jobs of which nothing can be read, those that are
 * refused, and those whose encryption key this worker lacks.
 *
 * @param logDelivered the part as text, such as `1/100`
 */
export function createAttemptLog(
  logger: WorkerLogger,
  logDelivered: string,
): (report: AttemptReport, missingKey?: string) => void {
  const [unreadable, refused, keyless] = [createFlood(), createFlood(), createFlood()];
  const [part, whole = 1] = logDelivered.split('/').map(Number);

  function isInSample({ pageId, conversationId }: AttemptReport): boolean {
    return part !== 0 && zlib.crc32(`${pageId}\n${conversationId}`) % whole === 0;
  }

  return (report, missingKey) => {
    if (report.reason === 'undecodable') {
      const jobs = report.pageId === null ? unreadable(1) : refused(1);
      if (jobs > 0) logger.warn({ ...report, jobs }, 'attempt');
      return;
    }
    if (report.next === 'hold' && missingKey !== undefined) {
      const looks = keyless(1);
      if (looks > 0) logger.warn({ ...report, reason: 'no-encryption-key', looks }, WAIT_FOR_KEY);
      return;
    }
    if (report.next === 'delivered' && report.proof === undefined && logDelivered !== EVERY_DELIVERY) {
      if (isInSample(report)) logger.info({ ...report, sampled: whole }, 'attempt');
      return;
    }
    // A message with an unknown outcome may arrive twice, so its line must stand out.
    const mayArriveTwice = report.outcome === 'unknown' && report.proof === undefined;
    const level = report.next === 'dead' || mayArriveTwice ? 'warn' : 'info';
    logger[level](report, 'attempt');
  };
}
