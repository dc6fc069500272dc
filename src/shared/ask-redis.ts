import { type Deadline, DeadlineError, within } from './deadline.ts';
import { KitechatSenderError, QueueUnavailableError } from './errors.ts';

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
