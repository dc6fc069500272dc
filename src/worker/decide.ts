import type { AttemptRecord } from '../shared/attempts.ts';
import type { DeadReason } from '../shared/dead-letter.ts';
import type { UnknownOutcomePolicy } from '../shared/enqueue-options.ts';
import { type BackoffConfig, backoffDelayMs } from './backoff.ts';
import type { Outcome } from './classify.ts';

/** What is to be done with a message after an attempt. */
export type Decision =
  | { kind: 'delivered' }
  | { kind: 'backoff' | 'hold'; delayMs: number }
  | { kind: 'dead'; reason: DeadReason };

export interface DecideContext extends BackoffConfig {
  attemptsUsed: number;
  attemptsAllowed: number;
  history: readonly AttemptRecord[];
  onUnknownOutcome: UnknownOutcomePolicy;
  /** A number from 0 to 1. */
  random: number;
}

/** When nothing is wrong with the message itself, it doesn't wait longer than this to see whether things are better. */
const MAX_BLAMELESS_WAIT_MS = 30_000;

/** Whether an outcome counts towards the attempts that a message is allowed. */
export function usesAttempt(outcome: Pick<Outcome, 'kind'>, onUnknownOutcome: UnknownOutcomePolicy): boolean {
  switch (outcome.kind) {
    case 'rejected':
    case 'failed':
      return true;
    case 'unknown':
      return onUnknownOutcome === 'resend';
    case 'delivered':
    case 'not-sent':
    case 'held':
      return false;
  }
}

/** Decides from the outcome of an attempt and the message's past. */
export function decide(outcome: Pick<Outcome, 'kind' | 'holdMs'>, context: DecideContext): Decision {
  switch (outcome.kind) {
    case 'delivered':
      return { kind: 'delivered' };
    case 'rejected':
      return { kind: 'dead', reason: 'rejected' };
    case 'unknown':
      if (context.onUnknownOutcome === 'dead-letter') return { kind: 'dead', reason: 'unknown-outcome' };
      return retryOrExhausted(context);
    case 'failed':
      return retryOrExhausted(context);
    case 'not-sent':
      return { kind: 'backoff', delayMs: blamelessDelayMs(context) };
    case 'held':
      return { kind: 'hold', delayMs: holdDelayMs(outcome.holdMs, context) };
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

function blamelessDelayMs({ history, backoffMs, backoffMaxMs, random }: DecideContext): number {
  const inARow = history.length - 1 - history.findLastIndex((attempt) => !isBlameless(attempt));
  const ceilingMs = Math.min(backoffMaxMs, MAX_BLAMELESS_WAIT_MS);
  return backoffDelayMs(inARow + 1, { backoffMs, backoffMaxMs: ceilingMs }, random);
}

function isBlameless({ outcome }: AttemptRecord): boolean {
  return outcome === 'not-sent' || outcome === 'held';
}
