import { hasEnded } from '../model/message-status.ts';
import type { LaneStatus } from './conversations.ts';
import type { Hold } from './holds.ts';
import type { MessageRecord } from './message.ts';

/**
 * Why an open message has not been sent yet.
 *
 * - `scheduled`: it joins the end of its conversation at `at`.
 * - `sending`: it is being sent.
 * - `retry`: it is tried again at `at`.
 * - `held`: by `hold`, or by a hold of the API or of a key if that is `null`; until `at`, or until an operator ends it.
 * - `turn`: it is the first of its conversation and waits for its turn, its page or a limit.
 * - `behind`: earlier messages of its conversation come first, right before it `id`; `null` if that is not known.
 */
export type Wait =
  | { kind: 'scheduled' | 'retry'; at: string | null }
  | { kind: 'held'; hold: Hold | null; at: string | null }
  | { kind: 'behind'; id: string | null }
  | { kind: 'sending' | 'turn' };

/** Returns why a message waits; `null` for one that has ended. Pure. */
export function waitOf({ id, status, nextAttemptAt }: MessageRecord, { messages, holds }: LaneStatus): Wait | null {
  if (hasEnded(status)) return null;
  if (status === 'sending') return { kind: 'sending' };
  if (status === 'scheduled') return { kind: 'scheduled', at: nextAttemptAt };
  const place = messages.findIndex((message) => message.id === id);
  if (place !== 0 && messages.length > 0) return { kind: 'behind', id: messages[place - 1]?.id ?? null };
  if (status === 'retrying') return { kind: 'retry', at: nextAttemptAt };
  if (status === 'held') return { kind: 'held', hold: holds[0] ?? null, at: nextAttemptAt };
  return { kind: 'turn' };
}
