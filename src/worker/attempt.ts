import type { NewAttempt } from '../shared/attempts.ts';
import type { UnknownOutcomePolicy } from '../shared/enqueue-options.ts';
import type { Decision } from './decide.ts';
import type { ReadMessage } from './read-message.ts';
import type { Sent } from './send.ts';
import type { TakenHere } from './turns.ts';

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
