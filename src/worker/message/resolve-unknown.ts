import * as z from 'zod';
import { loggableError } from '../../shared/errors/loggable-error.ts';
import type { AttemptRecord } from '../../shared/model/attempts.ts';
import type { KitechatMessage, SendRequest } from '../../shared/model/message.ts';
import { deadlineIn, within } from '../../shared/redis/deadline.ts';
import type { WorkerLogger } from '../../shared/logging/worker-logger.ts';
import { orStopped, STOPPED, type StopSignal } from '../http/stop-signal.ts';
import { type Frozen, frozen } from './frozen.ts';
import type { Uncertain } from './uncertain.ts';

/** A message that may have arrived, as a `resolveUnknown` hook sees it. */
export interface UncertainRequest {
  readonly id: string;
  readonly pageId: string;
  readonly conversationId: string;
  readonly message: Frozen<KitechatMessage>;
  readonly label: string | null;
}

/** An unknown outcome, as a `resolveUnknown` hook sees it. It is frozen: a hook that writes to it throws. */
export interface UnknownOutcome {
  readonly request: UncertainRequest;
  /** The last attempt with an unknown outcome; its detail says why the outcome is unknown. */
  readonly attempt: Frozen<AttemptRecord>;
  /**
   * ISO time at which the first attempt whose outcome is still unknown began: look for the message from then on. By the clock of the
   * worker, or of Redis if the worker died: allow for a difference to other clocks.
   */
  readonly since: string;
}

const resolutions = ['delivered', 'not-sent', 'unknown'] as const;

/**
 * What became of a message with an unknown outcome.
 *
 * - `delivered`: one of its requests arrived. The message has ended, and is not sent again.
 * - `not-sent`: none of its requests arrived, and none can arrive any more. The message is sent again, whatever its policy, unless it has
 *   crashed too many workers.
 * - `unknown`: nobody knows; the policy of the message decides.
 */
export type Resolution = (typeof resolutions)[number];

/**
 * Finds out what became of a message with an unknown outcome: before the message is sent again, and before it becomes a dead letter because
 * of that outcome. Say `not-sent` only if no request can arrive any more, or the message arrives twice.
 */
export type ResolveUnknown = (unknown: UnknownOutcome) => Resolution | Promise<Resolution>;

/** A message to ask about. */
export interface Question {
  id: string;
  label: string | null;
  /** The JSON that was sent. */
  body: string;
  uncertain: Uncertain;
  signal: StopSignal;
}

/**
 * Asks the hook. Never throws: without a usable answer the outcome stays `unknown`.
 *
 * @param lockedUntil when the lock ends under which the message is sent then, on the clock of `performance.now()`; infinite if nothing
 * is sent
 */
export type AskResolveUnknown = (question: Question, lockedUntil: number) => Promise<Resolution>;

const resolutionSchema = z.enum(resolutions);

export function createResolveUnknown(
  resolveUnknown: ResolveUnknown,
  timeoutMs: number,
  logger: WorkerLogger,
): AskResolveUnknown {
  return async (question, lockedUntil) => {
    const { id, signal } = question;
    const leftMs = lockedUntil - timeoutMs - performance.now();
    // The sender refuses it, and says why.
    if (signal.aborted || leftMs < 0) return 'unknown';
    try {
      // Half of the time, so that after a hook that took too long the request can still begin.
      const deadline = deadlineIn(Math.min(timeoutMs, leftMs) / 2);
      const asked = Promise.resolve(resolveUnknown(unknownOutcome(question)));
      const returned: unknown = await within(deadline, orStopped(asked, signal));
      if (returned === STOPPED) return 'unknown';
      const { data } = resolutionSchema.safeParse(returned);
      if (data) return data;
      logger.error(
        { id },
        'the hook resolveUnknown must return "delivered", "not-sent" or "unknown"; the outcome stays unknown, and the policy of the message decides',
      );
    } catch (error) {
      logger.error(
        { id, err: loggableError(error) },
        'the hook resolveUnknown failed or took too long; the outcome stays unknown, and the policy of the message decides',
      );
    }
    return 'unknown';
  };
}

function unknownOutcome({ id, label, body, uncertain: { attempt, since } }: Question): UnknownOutcome {
  const { pageId, conversationId, message } = JSON.parse(body) as SendRequest;
  return frozen({ request: { id, pageId, conversationId, message, label }, attempt: { ...attempt }, since });
}
