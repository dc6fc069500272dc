import { type Deadline, DeadlineError, within } from '../redis/deadline.ts';
import { KitechatSenderError, QueueUnavailableError } from '../errors/errors.ts';

/**
 * The answer to a question that changes nothing.
 *
 * @throws QueueUnavailableError if it doesn't come before the deadline, or is an error.
 */
export async function askRedis<T>(deadline: Deadline, question: Promise<T>): Promise<T> {
  try {
    return await within(deadline, question);
  } catch (error) {
    if (error instanceof KitechatSenderError) throw error;
    const detail = error instanceof DeadlineError ? 'Redis did not answer in time' : 'Redis could not be asked';
    throw new QueueUnavailableError(detail, { cause: error, reading: true });
  }
}

/**
 * Work that changes nothing.
 *
 * @throws QueueUnavailableError that says so, wherever it comes from.
 */
export async function reading<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw error instanceof QueueUnavailableError ? error.whileReading() : error;
  }
}

/** A change left for Redis but no answer came back. Making it again does no harm. */
export class ChangeUncertainError extends KitechatSenderError {
  override readonly name = 'ChangeUncertainError';
  readonly code = 'CHANGE_UNCERTAIN';

  /** @param detail what happened, as a clause without a full stop and without secrets */
  constructor(detail: string, options: { cause?: unknown } = {}) {
    super(
      `${detail}. The change may have been made or not: make it again when Redis answers, that does no harm.`,
      options,
    );
  }
}

/**
 * Makes a change that may be made twice.
 *
 * @throws QueueUnavailableError if it was not made, ChangeUncertainError if no answer comes before the deadline.
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
