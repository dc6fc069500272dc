import { ChangeUncertainError } from '../shared/session/calls.ts';
import type { DeadLetterPayload } from '../shared/model/dead-letter.ts';
import type { Deadline } from '../shared/redis/deadline.ts';
import { EnqueueUncertainError } from '../shared/errors/errors.ts';
import { shardOfPage } from '../shared/lanes/key-names.ts';
import type { SendRequest } from '../shared/model/message.ts';
import type { MessagePayload } from '../shared/model/stored-message.ts';
import type { Session } from '../shared/session/session.ts';
import type { Sealing } from '../shared/sealing/sealing.ts';
import { type MessageToStore, newMessageId, storeMessage } from '../shared/actions/store-message.ts';

export interface ReplayConfig {
  shards: number;
  maxQueued: number;
  ttlMs: number;
  sealing: Sealing;
}

export interface ReplayDeps {
  session: Session;
  config: ReplayConfig;
  newDeadline(): Deadline;
}

/** A dead letter that can be sent again, with its request as it is to be sent. */
export interface Replay {
  id: string;
  letter: DeadLetterPayload;
  request: SendRequest;
}

/**
 * Sends one dead letter again under a new id, and the entry goes, in one step: its message joins the end of its conversation,
 * or the front if the entry holds it. Of two replays at once one finds it gone.
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

/** With the same id it is stored once, however often it is tried: a lost answer is asked for again. */
async function storeSurely({ session, config, newDeadline }: ReplayDeps, message: MessageToStore) {
  try {
    return await storeMessage(session, config, message, newDeadline());
  } catch (error) {
    if (!(error instanceof EnqueueUncertainError)) throw error;
  }
  try {
    return await storeMessage(session, config, message, newDeadline());
  } catch (error) {
    // Whatever went wrong this time, what became of the first try is not known.
    throw new ChangeUncertainError('Redis gave no answer to a replay', { cause: error });
  }
}
