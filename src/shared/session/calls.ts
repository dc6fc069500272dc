import { type Deadline, DeadlineError, within } from '../redis/deadline.ts';
import { describeAttempt } from '../errors/redis-advice.ts';
import { KitechatSenderError, QueueUnavailableError } from '../errors/errors.ts';

/** The error of a call whose connection did not become ready. */
export function notReadyError(cause: unknown): QueueUnavailableError {
  return new QueueUnavailableError(describeAttempt(cause), { cause });
}

/**
 * Returns the answer to a query that changes nothing.
 *
 * @throws QueueUnavailableError if no answer comes before the deadline, or if it is an error.
 */
export async function askRedis<T>(deadline: Deadline, question: Promise<T>): Promise<T> {
  try {
    return await within(deadline, question);
  } catch (error) {
    if (error instanceof KitechatSenderError) throw error;
    const detail = error instanceof DeadlineError ? 'Redis did not answer in time' : 'The query to Redis failed';
    throw new QueueUnavailableError(detail, { cause: error, reading: true });
  }
}

/**
 * Returns the result of work that changes nothing.
 *
 * @throws QueueUnavailableError, rewritten to say that nothing could be read.
 */
export async function reading<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw error instanceof QueueUnavailableError ? error.whileReading() : error;
  }
}

/** A change was sent to Redis, but no answer came back. Making the change again is safe. */
export class ChangeUncertainError extends KitechatSenderError {
  protected static override readonly code = 'CHANGE_UNCERTAIN';
  override readonly name = 'ChangeUncertainError';
  readonly code = 'CHANGE_UNCERTAIN';

  /** @param detail what happened, as a clause without a full stop and without secrets */
  constructor(detail: string, options: { cause?: unknown } = {}) {
    super(`${detail}. The change may have been made or not. Make it again when Redis answers; that is safe.`, options);
  }
}

/**
 * Makes a change that can safely be made twice.
 *
 * @throws QueueUnavailableError if the change was not made.
 * @throws ChangeUncertainError if no answer comes before the deadline, or the connection is lost.
 */
export async function changeRedis<T>(deadline: Deadline, change: () => Promise<T>): Promise<T> {
  if (deadline.leftMs() <= 0) throw new QueueUnavailableError('There was no time left for the change');
  try {
    return await within(deadline, change());
  } catch (error) {
    if (error instanceof Error && error.name === 'ReplyError') {
      throw new QueueUnavailableError('Redis refused the change', { cause: error });
    }
    const detail = error instanceof DeadlineError ? 'Redis did not answer in time' : 'The connection to Redis was lost';
    throw new ChangeUncertainError(detail, { cause: error });
  }
}
