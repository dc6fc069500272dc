import type { AttemptRecord } from './attempts.ts';
import type { DeadReason } from './dead-letter.ts';
import type { StoredRequest } from './stored-message.ts';

/** Who says what became of a message: the API's answer, the hook `resolveUnknown`, or an operator. */
export const proofs = ['api', 'hook', 'operator'] as const;
export type Proof = (typeof proofs)[number];

/**
 * What became of a message.
 *
 * - `delivered`, `dead`, `cancelled`, `superseded`: the message has ended.
 * - `replayed`: its dead letter was sent again, as the message `replayedAs`.
 * - `resolved`: an operator found out what became of a dead letter; `outcome` says it.
 */
export const settledTypes = ['delivered', 'dead', 'cancelled', 'superseded', 'replayed', 'resolved'] as const;
export type SettledType = (typeof settledTypes)[number];

/** The fields of the API's answer that are ids, such as `{ messageId: '17' }`. */
export type AnswerIds = Record<string, string | number>;

/** An event about one message. It never has the message's content, unless it was asked for. */
export interface SettledEvent {
  /** The same each time the event comes: `<messageId>.<type>.<ms>`. */
  id: string;
  type: SettledType;
  messageId: string;
  /** `null` if what is stored of the message can't be read. */
  pageId: string | null;
  conversationId: string | null;
  label: string | null;
  /** ISO time by Redis's clock. */
  at: string;
  /** When the message was stored; `null` if that is not known. */
  enqueuedAt: string | null;
  /** The attempts so far; none for `replayed` and `resolved`. */
  attempts: AttemptRecord[];
  attemptsUsed: number;
  /** Why the message is dead; also for `replayed` and `resolved`. */
  reason?: DeadReason;
  /** The status of the last attempt that had an answer. */
  httpStatus?: number;
  /** For `delivered` and `resolved`. */
  proof?: Proof;
  /** For `delivered`, if the API's answer had ids. */
  answer?: AnswerIds;
  /** For `replayed`: the id of the new message. */
  replayedAs?: string;
  /** For `resolved`. */
  outcome?: 'delivered' | 'not-delivered';
  /** For `resolved`: the operator. */
  by?: string;
  /** The stored request, if content was asked for; the message may be encrypted. */
  request?: StoredRequest;
}

/** Events that were removed before the group acknowledged them, because it was too far behind. */
export interface GapEvent {
  id: string;
  type: 'gap';
  at: string;
  group: string;
  /** The shard whose events were lost. */
  shard: number;
  /** How many events were lost. */
  lost: number;
}

export type EventRecord = SettledEvent | GapEvent;

/** An event, and how to acknowledge it. */
export type ReceivedEvent = EventRecord & {
  /**
   * Notes that the event was handled: it does not come again. Acknowledgements are written to Redis together, within some ms; if the
   * process dies before, the event comes again. Also if another process took over meanwhile, since this one stood still or could not reach
   * Redis for ten seconds: then the event comes to that process, too. Never throws.
   */
  ack(): Promise<void>;
};
