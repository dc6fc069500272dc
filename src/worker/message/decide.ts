import type { AttemptRecord } from '../../shared/model/attempts.ts';
import type { DeadReason } from '../../shared/model/dead-letter.ts';
import type { UnknownOutcomePolicy } from '../../shared/model/enqueue-options.ts';
import type { TimedHold } from '../../shared/lanes/messages/turn.ts';
import { type BackoffConfig, backoffDelayMs, pausedFor } from './backoff.ts';
import type { Outcome } from './classify.ts';
import type { Pause } from '../fleet/fleet-view.ts';

/** What is to be done with a message after an attempt. */
export type Decision =
  | { kind: 'delivered' }
  | { kind: 'backoff'; delayMs: number }
  /** `page`: why all messages of the page wait as long. */
  | { kind: 'hold'; delayMs: number; page?: TimedHold['reason'] }
  | { kind: 'dead'; reason: DeadReason };

export interface DecideContext extends BackoffConfig {
  attemptsUsed: number;
  attemptsAllowed: number;
  /** Read only where it decides. */
  history(): readonly AttemptRecord[];
  onUnknownOutcome: UnknownOutcomePolicy;
  /** How long the API or the key has to be left alone, because its circuit is open; 0 if it is closed. */
  pause: Pause;
  /** A number from 0 to 1. */
  random: number;
}

/** When nothing is wrong with the message itself, it doesn't wait longer than this to see whether things are better. */
const MAX_BLAMELESS_WAIT_MS = 30_000;

/** Whether an outcome counts towards the attempts that a message is allowed. With the API down it is not the message's. */
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

/** Decides from the outcome of an attempt and the message's past. */
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

/** A Retry-After of 0, or a date that our clock has passed, must not become a loop without a pause. */
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
