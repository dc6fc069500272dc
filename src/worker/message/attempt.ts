import type { Taken } from '../../shared/lanes/messages/settle-and-take.ts';
import type { NewAttempt } from '../../shared/model/attempts.ts';
import type { UnknownOutcomePolicy } from '../../shared/model/enqueue-options.ts';
import type { Decision } from './decide.ts';
import type { ReadMessage } from './read-message.ts';
import type { Sent } from './send.ts';

/** A message that this worker has taken. */
export interface TakenHere extends Taken {
  /** The time before Redis was asked, on the clock of `performance.now()`: the lock lasts for at least its duration from then on. */
  takenAt: number;
  /** The time at which the worker got it, on the same clock: after an outage, long after Redis was asked. */
  receivedAt: number;
  /** Whether the message is a probe, which finds out if the API works again. */
  isProbe: boolean;
}

/** One attempt to deliver a message, from take to report. */
export interface Attempt {
  readonly taken: TakenHere;
  readonly message: ReadMessage;
  /** What an unknown outcome means for this message. */
  readonly policy: UnknownOutcomePolicy;
  /** The request and its outcome; `null` if nothing was tried. */
  readonly sent: Sent | null;
  readonly decision: Decision;
  /** The entry for the history; `null` if nothing was tried. */
  readonly record: NewAttempt | null;
}
