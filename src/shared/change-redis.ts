import { type Deadline, DeadlineError, within } from './deadline.ts';
import { KitechatSenderError, QueueUnavailableError } from './errors.ts';

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
