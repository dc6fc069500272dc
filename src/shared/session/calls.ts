import { type Deadline, within } from '../redis/deadline.ts';
import { describeAttempt } from '../errors/redis-advice.ts';
import {
  askForReport,
  type ErrorFacts,
  KitechatSenderError,
  QueueUnavailableError,
  withAdvice,
} from '../errors/errors.ts';
import { isInternalError, judgeFailedCall } from '../errors/failed-calls.ts';
import { tellInternalError } from '../errors/internal-error.ts';

/** The error of a call whose connection did not become ready. */
export function notReadyError(cause: unknown): QueueUnavailableError {
  const isInternal = cause !== undefined && isInternalError(cause);
  return new QueueUnavailableError(isInternal ? tellInternalError(cause) : describeAttempt(cause), {
    cause,
    isInternal,
  });
}

/**
 * Returns what to say of the error of a call, and whether Redis may have carried out the call, provided that it had left.
 *
 * @param refused what to say if Redis refused the call, as a clause
 */
export function tellFailedCall(
  cause: unknown,
  refused: string,
): { detail: string; options: ErrorFacts; mayHaveRun: boolean } {
  const { what, mayHaveRun } = judgeFailedCall(cause);
  const details = {
    refused: () => refused,
    late: () => 'Redis did not answer in time',
    lost: () => 'The connection to Redis was lost',
    internal: () => tellInternalError(cause),
  };
  return { detail: details[what](), options: { cause, isInternal: what === 'internal' }, mayHaveRun };
}

/**
 * Returns the error of a call that has written nothing, whatever went wrong. Our own errors stay.
 *
 * @param refused what to say if Redis refused the call, as a clause
 */
export function nothingWritten(
  cause: unknown,
  refused: string,
  options: { reading?: boolean } = {},
): KitechatSenderError {
  if (cause instanceof KitechatSenderError) return cause;
  const told = tellFailedCall(cause, refused);
  return new QueueUnavailableError(told.detail, { ...told.options, ...options });
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
    throw nothingWritten(error, 'Redis refused the query', { reading: true });
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

/** A change was sent to Redis, but no answer came back that can be trusted. Making the change again is safe. */
export class ChangeUncertainError extends KitechatSenderError {
  protected static override readonly code = 'CHANGE_UNCERTAIN';
  override readonly name = 'ChangeUncertainError';
  readonly code = 'CHANGE_UNCERTAIN';

  /** @param detail what happened, as a clause without a full stop and without secrets */
  constructor(detail: string, options: ErrorFacts = {}) {
    const report = askForReport(options.isInternal ?? false);
    const told = withAdvice(detail, options);
    const when = told === detail ? 'when Redis answers' : 'when this is fixed';
    super(`${told}. The change may have been made or not. Make it again ${when}; that is safe.${report}`, options);
  }
}

/**
 * Makes a change that can safely be made twice.
 *
 * @throws QueueUnavailableError if the change was not made.
 * @throws ChangeUncertainError if no answer comes before the deadline, the connection is lost, or a script fails midway.
 */
export async function changeRedis<T>(deadline: Deadline, change: () => Promise<T>): Promise<T> {
  if (deadline.leftMs() <= 0) throw new QueueUnavailableError('There was no time left for the change');
  try {
    return await within(deadline, change());
  } catch (error) {
    if (error instanceof KitechatSenderError) throw error;
    const { detail, options, mayHaveRun } = tellFailedCall(error, 'Redis refused the change');
    throw mayHaveRun ? new ChangeUncertainError(detail, options) : new QueueUnavailableError(detail, options);
  }
}
