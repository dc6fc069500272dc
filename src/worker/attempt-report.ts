import type { Logger } from 'pino';
import type { OutcomeKind } from '../shared/attempts.ts';
import type { DeadReason } from '../shared/dead-letter.ts';
import type { StoredPayload } from '../shared/payload.ts';

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

/** @param job its name is the type, also of a message whose content is encrypted */
/** The name of a job is its message's type, unless somebody else wrote it. */
const MAX_TYPE_LENGTH = 32;

export function describeMessage(
  payload: StoredPayload | null,
  job: { name: string },
): Pick<AttemptReport, 'pageId' | 'conversationId' | 'type' | 'label'> {
  return {
    pageId: payload?.request.pageId ?? null,
    conversationId: payload?.request.conversationId ?? null,
    type: payload && job.name.slice(0, MAX_TYPE_LENGTH),
    label: payload?.label ?? null,
  };
}

/** One wide line per attempt. */
export function logAttempt(logger: Logger, report: AttemptReport): void {
  // An unknown outcome is what may arrive twice: nobody should miss it.
  const level = report.next === 'dead' || report.outcome === 'unknown' ? 'warn' : 'info';
  logger[level](report, 'attempt');
}
