import type { AttemptRecord } from '../../shared/model/attempts.ts';
import type { DeadReason } from '../../shared/model/dead-letter.ts';
import type { UnknownOutcomePolicy } from '../../shared/model/enqueue-options.ts';
import type { Proof } from '../../shared/model/event.ts';
import { type BackoffConfig, backoffDelayMs } from '../../shared/retry/backoff.ts';
import { pausedFor } from './pause.ts';
import type { Outcome } from './classify.ts';
import { isResolved } from './uncertain.ts';
import type { Told } from '../fleet/told.ts';

/** What to do with a message after an attempt. */
export type Decision =
  | { kind: 'delivered'; proof: Exclude<Proof, 'operator'> }
  | { kind: 'backoff'; delayMs: number }
  | { kind: 'hold'; delayMs: number }
  | { kind: 'dead'; reason: DeadReason };

export interface DecideContext extends BackoffConfig {
  attemptsUsed: number;
  attemptsAllowed: number;
  /** A function, so that the history is parsed only if the decision depends on it. */
  history(): readonly AttemptRecord[];
  onUnknownOutcome: UnknownOutcomePolicy;
  /** What the fleet makes of the outcome. */
  told: Told;
  /** A number from 0 to 1. */
  random: number;
}

/** The longest backoff of a message that is not the cause of its failures. */
const MAX_BLAMELESS_WAIT_MS = 30_000;

/**
 * Whether an outcome uses one of the message's attempts. It doesn't if the message is probably not the cause: an unknown outcome
 * while nothing works for its key or at the API, or a rejection while everything is rejected.
 */
export function usesAttempt(
  { kind }: Pick<Outcome, 'kind'>,
  onUnknownOutcome: UnknownOutcomePolicy,
  told: Pick<Told, 'scope' | 'isProbe'> = { scope: 'conversation', isProbe: false },
): boolean {
  switch (kind) {
    case 'rejected':
      return told.scope === 'conversation';
    case 'failed':
      return true;
    case 'unknown':
      return onUnknownOutcome === 'resend' && !isBlameless(told);
    case 'delivered':
    case 'not-sent':
    case 'held':
      return false;
  }
}

/** Decides what to do with a message, from the outcome of its attempt and its history. */
export function decide(outcome: Pick<Outcome, 'kind' | 'holdMs' | 'trouble'>, context: DecideContext): Decision {
  const { told } = context;
  switch (outcome.kind) {
    case 'delivered':
      return { kind: 'delivered', proof: 'api' };
    case 'rejected':
      return told.scope === 'conversation' ? { kind: 'dead', reason: 'rejected' } : waitForCircuit(context);
    case 'unknown':
      if (context.onUnknownOutcome === 'dead-letter') return { kind: 'dead', reason: 'unknown-outcome' };
      return isBlameless(told) ? waitForCircuit(context) : retryOrExhausted(context);
    case 'failed':
      return retryOrExhausted(context);
    case 'not-sent':
      if (told.scope !== 'conversation') return waitForCircuit(context);
      return { kind: 'backoff', delayMs: blamelessDelayMs(context) };
    case 'held':
      if (told.scope !== 'conversation' && outcome.trouble !== 'no-key') return waitForCircuit(context);
      return { kind: 'hold', delayMs: holdDelayMs(outcome.holdMs, context) };
  }
}

/** Waits until the circuit lets a message leave. A paced circuit gives the message a slot then; so it needs no jitter. */
function waitForCircuit({ told: { delayMs, isPaced }, random }: DecideContext): Decision {
  return { kind: 'hold', delayMs: isPaced ? Math.ceil(delayMs) : pausedFor(delayMs, random) };
}

/** When only its page fails, a message that was no probe goes on by itself: it may be the cause, and its retries probe the page. */
function isBlameless({ scope, isProbe }: Pick<Told, 'scope' | 'isProbe'>): boolean {
  return scope === 'key' || scope === 'api' || isProbe;
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
  const inARow = history.length - 1 - history.findLastIndex((attempt) => !wasBlameless(attempt));
  const ceilingMs = Math.min(backoffMaxMs, MAX_BLAMELESS_WAIT_MS);
  return backoffDelayMs(inARow + 1, { backoffMs, backoffMaxMs: ceilingMs }, random);
}

function wasBlameless(record: AttemptRecord): boolean {
  return record.outcome === 'not-sent' || record.outcome === 'held' || isResolved(record);
}
