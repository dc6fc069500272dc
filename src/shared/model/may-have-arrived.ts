import type { AttemptRecord } from './attempts.ts';
import type { DeadReason } from './dead-letter.ts';
import type { LetterResolution } from './resolution.ts';

/** The facts of a dead letter that tell whether its message may have arrived. */
export interface ArrivalFacts {
  reason: DeadReason;
  attempts: readonly Pick<AttemptRecord, 'outcome' | 'usedAttempt'>[];
  attemptsUsed: number;
  resolution?: LetterResolution | undefined;
}

/** Whether a dead message may have arrived, and nobody has found out that it did not. */
export function mayHaveArrived(letter: ArrivalFacts): boolean {
  return letter.resolution === undefined && isOutcomeUnknown(letter);
}

/** Whether an attempt of a dead message had an unknown outcome. */
export function isOutcomeUnknown({ reason, attempts, attemptsUsed }: ArrivalFacts): boolean {
  if (reason === 'unknown-outcome' || reason === 'crashed') return true;
  if (attempts.some(({ outcome }) => outcome === 'unknown')) return true;
  // A long history is cut: an attempt that it no longer shows may have been unknown.
  return attempts.filter(({ usedAttempt }) => usedAttempt).length < attemptsUsed;
}

/** Whether a dead message arrived, in words. */
export function describeArrival(letter: ArrivalFacts): string {
  const { resolution } = letter;
  if (mayHaveArrived(letter)) return 'maybe';
  if (resolution === undefined) return 'no';
  return `no, says ${resolution.by ?? 'an operator'}`;
}
