import type { WorkerLogger } from '../../shared/logging/worker-logger.ts';
import * as z from 'zod';
import { loggableError } from '../../shared/errors/loggable-error.ts';
import { describeSafely } from '../../shared/errors/safe-cause.ts';
import type { KitechatMessage, SendRequest } from '../../shared/model/message.ts';
import { deadlineIn, within } from '../../shared/redis/deadline.ts';
import { fields } from '../../shared/validation/issues.ts';
import { orStopped, STOPPED, type StopSignal } from '../http/stop-signal.ts';
import type { Outcome } from './classify.ts';
import { type Frozen, frozen } from './frozen.ts';
import { holdTime } from './judgement.ts';

/** A message that is about to be sent, as a `beforeSend` hook sees it. It is frozen: a hook that writes to it throws. */
export interface OutgoingMessage {
  readonly id: string;
  readonly pageId: string;
  readonly conversationId: string;
  readonly message: Frozen<KitechatMessage>;
  readonly label: string | null;
  /** The number of this attempt, from 1. Attempts that don't count don't increase it. */
  readonly attempt: number;
}

/**
 * Why a message is not sent now.
 *
 * - `held`: the message waits for `forMs`, and with it its conversation. No attempt is used.
 * - `rejected`: the message becomes a dead letter with the reason `rejected`.
 */
export type Refusal = { outcome: 'held'; forMs: number } | { outcome: 'rejected' };

/** Decides right before a message is sent whether it may be sent; `undefined` means yes. It can't change the message. */
export type BeforeSend = (message: OutgoingMessage) => Refusal | undefined | Promise<Refusal | undefined>;

/** A message to ask about. */
export interface Candidate {
  id: string;
  label: string | null;
  /** The number of this attempt, from 1. */
  attempt: number;
  /** The JSON to send. */
  body: string;
  signal: StopSignal;
}

/**
 * Asks the hook. Returns `null` if the message may be sent, otherwise the outcome without a request. Never throws.
 *
 * @param startBefore when the request must have begun, on the clock of `performance.now()`
 */
export type AskBeforeSend = (candidate: Candidate, startBefore: number) => Promise<Outcome | null>;

const refusalSchema = z.discriminatedUnion('outcome', [
  fields({ outcome: z.literal('held'), forMs: holdTime }),
  fields({ outcome: z.literal('rejected') }),
]);

export function createBeforeSend(beforeSend: BeforeSend, timeoutMs: number, logger: WorkerLogger): AskBeforeSend {
  return async (candidate, startBefore) => {
    const { id, signal } = candidate;
    const leftMs = startBefore - performance.now();
    // The sender refuses it, and says why.
    if (signal.aborted || leftMs < 0) return null;
    try {
      const deadline = deadlineIn(Math.min(timeoutMs, leftMs));
      const asked = Promise.resolve(beforeSend(outgoing(candidate)));
      const returned: unknown = await within(deadline, orStopped(asked, signal));
      if (returned === undefined) return null;
      if (returned === STOPPED) return notSent('the request was given up before it was sent');
      const { data } = refusalSchema.safeParse(returned);
      if (data) return refused(data);
      logger.error(
        { id },
        'the hook beforeSend must return { outcome: "held", forMs }, { outcome: "rejected" } or undefined; nothing was sent, and the message is tried again',
      );
      return notSent('the hook beforeSend returned something else than a refusal, so nothing was sent');
    } catch (error) {
      logger.error(
        { id, err: loggableError(error) },
        'the hook beforeSend failed or took too long; nothing was sent, and the message is tried again',
      );
      const { name, code } = describeSafely(error);
      return notSent(`the hook beforeSend failed or took too long, so nothing was sent (${code ?? name})`);
    }
  };
}

/** Parses the body again, so that the hook has nothing in common with what is sent or kept. */
function outgoing({ id, label, attempt, body }: Candidate): OutgoingMessage {
  const { pageId, conversationId, message } = JSON.parse(body) as SendRequest;
  return Object.freeze({ id, pageId, conversationId, message: frozen(message), label, attempt });
}

function refused(refusal: Refusal): Outcome {
  const rest = { httpStatus: null, detail: `beforeSend: ${refusal.outcome}, nothing was sent` };
  if (refusal.outcome === 'rejected') return { kind: 'rejected', holdMs: null, ...rest };
  return { kind: 'held', askedScope: 'conversation', holdMs: Math.ceil(refusal.forMs), ...rest };
}

function notSent(detail: string): Outcome {
  return { kind: 'not-sent', detail, httpStatus: null, holdMs: null };
}
