import type { Logger } from 'pino';
import type { OutcomeKind } from '../../shared/model/attempts.ts';
import type { DeadReason } from '../../shared/model/dead-letter.ts';
import type { SettleResult } from '../../shared/lanes/messages/turn.ts';
import type { Ended } from './process.ts';

/** What is told of each attempt, to the log and to listeners: never the key, never the content. */
export interface AttemptReport {
  id: string;
  /** `null` if the stored request can't be read. */
  pageId: string | null;
  conversationId: string | null;
  type: string | null;
  label: string | null;
  /** `null` if nothing was tried, as with an expired message. */
  outcome: OutcomeKind | null;
  detail: string | null;
  httpStatus: number | null;
  durationMs: number;
  /** Which attempt this was, of how many: those that don't count don't raise it. */
  attempt: number;
  attemptsAllowed: number;
  /** `lost`: another worker took the message over, and this attempt decided nothing. */
  next: 'delivered' | 'backoff' | 'hold' | 'dead' | 'lost';
  /** How long until the next attempt, for `backoff` and `hold`. */
  delayMs: number | null;
  reason: DeadReason | null;
}

/** The name of a job is its message's type, unless somebody else wrote it. */
const MAX_TYPE_LENGTH = 32;

/** What is told of an attempt after its shard has answered. */
export function reportOf({ attempt, settlement }: Ended, result: SettleResult, attemptsAllowed: number): AttemptReport {
  const { taken, message, record, decision } = attempt;
  const { stored } = message;
  const isDone = result.verdict === 'done';
  return {
    id: taken.id,
    pageId: stored?.request.pageId ?? null,
    conversationId: stored?.request.conversationId ?? null,
    type: stored && taken.type.slice(0, MAX_TYPE_LENGTH),
    label: stored?.label ?? null,
    outcome: record?.outcome ?? null,
    detail: record?.detail ?? message.problem,
    httpStatus: record?.httpStatus ?? null,
    durationMs: record?.durationMs ?? 0,
    attempt: taken.attemptsUsed + 1,
    attemptsAllowed,
    next: isDone ? decision.kind : 'lost',
    delayMs: isDone && 'delayMs' in settlement ? result.delayMs : null,
    reason: decision.kind === 'dead' ? decision.reason : null,
  };
}

/** One wide line per attempt. */
export function logAttempt(logger: Logger, report: AttemptReport): void {
  // An unknown outcome is what may arrive twice: nobody should miss it.
  const level = report.next === 'dead' || report.outcome === 'unknown' ? 'warn' : 'info';
  logger[level](report, 'attempt');
}
