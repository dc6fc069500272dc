import type { AttemptRecord } from '../../shared/model/attempts.ts';
import type { DeadReason } from '../../shared/model/dead-letter.ts';
import type { UnknownOutcomePolicy } from '../../shared/model/enqueue-options.ts';
import type { TimedHold } from '../../shared/lanes/messages/settle-and-take.ts';
import { type BackoffConfig, backoffDelayMs, pausedFor } from './backoff.ts';
import type { Outcome } from './classify.ts';
import type { Pause } from '../fleet/fleet-view.ts';

/** What to do with a message after an attempt. */
export type Decision =
  | { kind: 'delivered' }
  | { kind: 'backoff'; delayMs: number }
  /** `page`: the reason why the whole page is held as long as the message; without it only the message is. */
  | { kind: 'hold'; delayMs: number; page?: TimedHold['reason'] }
  | { kind: 'dead'; reason: DeadReason };

export interface DecideContext extends BackoffConfig {
  attemptsUsed: number;
  attemptsAllowed: number;
  /** A function, so that the history is parsed only if the decision depends on it. */
  history(): readonly AttemptRecord[];
  onUnknownOutcome: UnknownOutcomePolicy;
  /** The time until the circuits of the API and of the key let a probe leave; 0 for a closed circuit. */
  pause: Pause;
  /** A number from 0 to 1. */
  random: number;
}

/** The longest backoff of a message that is not the cause of its failures. */
const MAX_BLAMELESS_WAIT_MS = 30_000;

/** Whether an outcome uses one of the message's attempts. An unknown outcome while the API is down doesn't. */
export function usesAttempt(
  outcome: Pick<Outcome, 'kind'>,
  onUnknownOutcome: UnknownOutcomePolicy,
  apiPauseMs = 0,
): boolean {
  switch (outcome.kind) {
    case 'rejected':
    case 'failed':
      return true;
    case 'unknown':
      return onUnknownOutcome === 'resend' && apiPauseMs === 0;
    case 'delivered':
    case 'not-sent':
    case 'held':
      return false;
  }
}

/** Decides what to do with a message, from the outcome of its attempt and its history. */
export function decide(outcome: Pick<Outcome, 'kind' | 'holdMs' | 'scope'>, context: DecideContext): Decision {
  const { apiMs, keyMs } = context.pause;
  switch (outcome.kind) {
    case 'delivered':
      return { kind: 'delivered' };
    case 'rejected':
      return { kind: 'dead', reason: 'rejected' };
    case 'unknown':
      if (context.onUnknownOutcome === 'dead-letter') return { kind: 'dead', reason: 'unknown-outcome' };
      if (apiMs > 0) return { kind: 'hold', delayMs: pausedFor(apiMs, context.random) };
      return retryOrExhausted(context);
    case 'failed':
      return retryOrExhausted(context);
    case 'not-sent':
      if (apiMs > 0) return { kind: 'hold', delayMs: pausedFor(apiMs, context.random) };
      return { kind: 'backoff', delayMs: blamelessDelayMs(context) };
    case 'held':
      if (outcome.scope === 'key') {
        return { kind: 'hold', delayMs: keyMs > 0 ? pausedFor(keyMs, context.random) : blamelessDelayMs(context) };
      }
      return {
        kind: 'hold',
        delayMs: holdDelayMs(outcome.holdMs, context),
        page: outcome.scope === 'missing-key' ? 'unauthorized' : 'rate-limited',
      };
  }
}

function retryOrExhausted(context: DecideContext): Decision {
  const used = context.attemptsUsed + 1;
  if (used >= context.attemptsAllowed) return { kind: 'dead', reason: 'exhausted' };
  return { kind: 'backoff', delayMs: backoffDelayMs(used, context, context.random) };
}

/** Without a Retry-After, or if it is 0 or a date in the past, a backoff prevents a loop without a pause. */
function holdDelayMs(askedMs: number | null, context: DecideContext): number {
  return askedMs === null || askedMs === 0 ? blamelessDelayMs(context) : askedMs;
}

function blamelessDelayMs({ backoffMs, backoffMaxMs, random, ...context }: DecideContext): number {
  const history = context.history();
  const inARow = history.length - 1 - history.findLastIndex((attempt) => !isBlameless(attempt));
  const ceilingMs = Math.min(backoffMaxMs, MAX_BLAMELESS_WAIT_MS);
  return backoffDelayMs(inARow + 1, { backoffMs, backoffMaxMs: ceilingMs }, random);
}

function isBlameless({ outcome }: AttemptRecord): boolean {
  return outcome === 'not-sent' || outcome === 'held';
}
