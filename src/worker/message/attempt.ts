import type { Taken } from '../../shared/lanes/messages/turn.ts';
import type { NewAttempt } from '../../shared/model/attempts.ts';
import type { UnknownOutcomePolicy } from '../../shared/model/enqueue-options.ts';
import type { Decision } from './decide.ts';
import type { ReadMessage } from './read-message.ts';
import type { Sent } from './send.ts';

/** A message that this worker has now. */
export interface TakenHere extends Taken {
  /** On the clock of `performance.now()`, before Redis was asked: its lock lasts that long from here at least. */
  takenAt: number;
  /** Whether it finds out if the API works again. */
  isProbe: boolean;
}

/** One attempt to deliver a message, from take to report: each step adds what it finds out. */
export interface Attempt {
  readonly taken: TakenHere;
  readonly message: ReadMessage;
  /** What an unknown outcome means for this message. */
  readonly policy: UnknownOutcomePolicy;
  /** What was tried, and how it was judged; `null` if nothing was. */
  readonly sent: Sent | null;
  readonly decision: Decision;
  /** What goes to the history; `null` if nothing was tried. */
  readonly record: NewAttempt | null;
}
