import type { AttemptRecord } from '../shared/attempts.ts';
import type { UnknownOutcomePolicy } from '../shared/enqueue-options.ts';
import type { Attempted } from './attempt.ts';
import { usesAttempt } from './decide.ts';

/** What the history keeps of an attempt. */
export function recordOf(
  { outcome, startedAtMs, exchange }: Attempted,
  onUnknownOutcome: UnknownOutcomePolicy,
  apiPauseMs = 0,
): AttemptRecord {
  return {
    at: new Date(startedAtMs).toISOString(),
    outcome: outcome.kind,
    detail: outcome.detail,
    httpStatus: outcome.httpStatus,
    durationMs: exchange?.durationMs ?? 0,
    usedAttempt: usesAttempt(outcome, onUnknownOutcome, apiPauseMs),
  };
}
