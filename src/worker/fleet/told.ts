import type { AttemptRecord } from '../../shared/model/attempts.ts';
import type { Scope, Trouble } from '../evidence/scope.ts';

/** What a request, or the lack of a key, has shown. */
export interface Shown {
  /** `null` if nothing kept the message from being accepted, or if that says nothing about the API. */
  trouble: Trouble | null;
  /** Whether the API has `accepted` the message, or at least `answered` as an API that works does. */
  works: 'accepted' | 'answered' | null;
  /** What to tell people, such as `HTTP 403`. */
  what: string;
  /** How long the API asks us to wait, in ms. */
  askedMs: number | null;
  /** How much a hook says that the trouble concerns. */
  askedScope?: Scope | undefined;
}

/** The facts of a request that the fleet needs. */
export interface RequestFacts {
  id: string;
  pageId: string;
  conversationId: string;
  /** The name of the key, `key:<fingerprint>`; `null` if there was none. */
  key: string | null;
  /** When the request began, on the clock of `performance.now()`. */
  beganAt: number;
  shown: Shown;
  /** The circuits that the message has probed. */
  probes: readonly string[];
  /** A function, because it is rarely needed. */
  history(): readonly AttemptRecord[];
  /** Whether the message dies of an unknown outcome. */
  isPrecious: boolean;
}

/** What the fleet makes of a trouble. */
export interface Told {
  /** How much the trouble concerns. */
  scope: Scope;
  /** For wide scopes, how long until a message may leave. */
  delayMs: number;
  /** Whether messages leave at a pace then, instead of one as a probe. */
  isPaced: boolean;
  /** Whether the message was a probe. */
  isProbe: boolean;
  /** Whether the API refuses the recipient although the key works. */
  isRecipientRefused: boolean;
}

export const ABOUT_ITSELF: Told = {
  scope: 'conversation',
  delayMs: 0,
  isPaced: false,
  isProbe: false,
  isRecipientRefused: false,
};
