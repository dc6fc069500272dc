import { KitechatSenderError } from './errors.ts';
import { framesOf } from './frames.ts';
import { describeSafely, type SafeError } from './safe-cause.ts';

const MAX_CAUSES = 5;

/** An error as a log line has it. */
export interface LoggedError extends SafeError {
  /** Only for our own errors: the messages of other errors contain URLs, passwords and bodies. */
  message?: string;
  /** The stack frames, without the message. */
  stack?: string;
  cause?: LoggedError;
}

/** Returns the parts of any thrown value that are safe to log. */
export function serializeError(error: unknown, causes = 0): LoggedError {
  const logged: LoggedError = describeSafely(error);
  if (error instanceof KitechatSenderError) logged.message = error.message;
  if (!(error instanceof Error)) return logged;
  const frames = framesOf(error);
  if (frames.length > 0) logged.stack = frames.join('\n');
  if (error.cause !== undefined && causes < MAX_CAUSES) logged.cause = serializeError(error.cause, causes + 1);
  return logged;
}

/** Returns one line that describes the error, for a log call without a message. */
export function titleOf(error: unknown): string {
  if (error instanceof KitechatSenderError) return error.message;
  const { name, code } = describeSafely(error);
  return code === undefined ? name : `${name} ${code}`;
}
