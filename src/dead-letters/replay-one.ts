import { ChangeUncertainError } from '../shared/session/calls.ts';
import type { DeadLetterPayload } from '../shared/model/dead-letter.ts';
import type { Deadline } from '../shared/redis/deadline.ts';
import { EnqueueUncertainError, KitechatSenderError } from '../shared/errors/errors.ts';
import { describeSafely } from '../shared/errors/safe-cause.ts';
import { tellInternalError } from '../shared/errors/internal-error.ts';
import { shardOfPage } from '../shared/lanes/key-names.ts';
import type { SendRequest } from '../shared/model/message.ts';
import type { MessagePayload } from '../shared/model/stored-message.ts';
import type { Session } from '../shared/session/session.ts';
import type { Sealing } from '../shared/sealing/sealing.ts';
import { type MessageToStore, newMessageId, storeMessage } from '../shared/actions/store-message.ts';

export interface ReplayConfig {
  shards: number;
  maxQueued: number;
  redisFullAt: number;
  ttlMs: number;
  sealing: Sealing;
}

export interface ReplayDeps {
  session: Session;
  config: ReplayConfig;
  newDeadline(): Deadline;
}

/** A dead letter to send again, with the request to send. */
export interface Replay {
  id: string;
  letter: DeadLetterPayload;
  request: SendRequest;
}

/**
 * Sends one dead letter again under a new id and removes the entry, in one step. The message joins the end of its conversation,
 * or the front if the conversation is held for the entry. Of two concurrent replays, the second finds the entry gone.
 *
 * @returns the new id; `null` if the entry was gone.
 * @throws QueueUnavailableError, QueueFullError, ConfigError: the entry stays.
 * @throws ChangeUncertainError if no answer came back; trying again sends nothing twice.
 */
export async function replayOne(deps: ReplayDeps, { id, letter, request }: Replay): Promise<string | null> {
  const { config } = deps;
  const { label, onUnknownOutcome } = letter;
  const payload: MessagePayload = {
    request,
    ...(label === null ? {} : { label }),
    ...(onUnknownOutcome === undefined ? {} : { onUnknownOutcome }),
    replayOf: id,
  };
  const newId = newMessageId(shardOfPage(request.pageId, config.shards));
  const receipt = await storeSurely(deps, { id: newId, payload, ttlMs: config.ttlMs, idempotency: undefined });
  return receipt && receipt.id;
}

/** Tries again after a lost answer: under the same id the message is stored only once. */
async function storeSurely({ session, config, newDeadline }: ReplayDeps, message: MessageToStore) {
  try {
    return await storeMessage(session, config, message, newDeadline());
  } catch (error) {
    if (!(error instanceof EnqueueUncertainError)) throw error;
    const { cause } = error;
    // The second try would find the message and take it for stored, whether or not the dead letter could be removed.
    if (describeSafely(cause).code === 'NOPERM') throw new ChangeUncertainError('Redis refused the replay', { cause });
  }
  try {
    return await storeMessage(session, config, message, newDeadline());
  } catch (error) {
    // Whatever the second error is, the result of the first try is unknown.
    if (error instanceof KitechatSenderError && error.isInternal) {
      const { cause, isInternal } = error;
      throw new ChangeUncertainError(tellInternalError(cause), { cause, isInternal });
    }
    throw new ChangeUncertainError('Redis gave no answer to a replay', { cause: error });
  }
}
