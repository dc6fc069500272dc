import type { Answer } from './receiver.ts';

/**
 * What an attempt shows.
 *
 * - `accepted`: the receiver has the event.
 * - `refused`: the receiver doesn't want this event.
 * - `failed`: the receiver failed, perhaps because of this event.
 * - `later`: the receiver asks to wait.
 * - `unreachable`: the event did not get to the receiver.
 * - `gone`: the receiver wants no events any more.
 */
export const results = ['accepted', 'refused', 'failed', 'later', 'unreachable', 'gone'] as const;
export type Result = (typeof results)[number];

const GONE = 410;
/** Request Timeout, Too Early, Too Many Requests. */
const LATER = new Set([408, 425, 429]);
/** The connection broke when the request may have been read: a receiver that an event crashes looks like this. */
const BROKEN = new Set(['TIMEOUT', 'ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET', 'UND_ERR_BODY_TIMEOUT']);

export function resultOf({ status, failure }: Pick<Answer, 'status' | 'failure'>): Result {
  if (status === null) return BROKEN.has(failure ?? '') ? 'failed' : 'unreachable';
  if (status >= 200 && status < 300) return 'accepted';
  if (status === GONE) return 'gone';
  if (LATER.has(status)) return 'later';
  return status >= 500 ? 'failed' : 'refused';
}

/**
 * Whether a result uses one of the event's attempts. While the receiver accepts nothing, a failure is not the event's.
 *
 * @param othersAccepted whether the receiver has accepted other events since this event's attempt before
 */
export function usesAttempt(result: Result, othersAccepted: boolean): boolean {
  return result === 'refused' || (result === 'failed' && othersAccepted);
}

/** What happens to the event: `dead` makes it a dead letter, `stop` ends all delivery. */
export type NextStep = 'done' | 'dead' | 'again' | 'stop';

/**
 * @param used the attempts that the event has used
 * @param mayDie whether an event may become a dead letter now
 */
export function nextStep(
  result: Result,
  used: number,
  { attempts, mayDie }: { attempts: number; mayDie: boolean },
): NextStep {
  if (result === 'accepted') return 'done';
  if (result === 'gone') return 'stop';
  return used >= attempts && mayDie && (result === 'refused' || result === 'failed') ? 'dead' : 'again';
}
