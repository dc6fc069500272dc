import { KitechatSenderError } from './errors.ts';
import { describeSafely, type SafeError } from './safe-cause.ts';

const FRAME = /^\s+at .*:\d+:\d+\)?$/;
const MAX_FRAMES = 20;
const MAX_CAUSES = 5;

/** What a log line says about an error. */
export interface LoggedError extends SafeError {
  /** Only of our own errors: the messages of others hold URLs, passwords and bodies. */
  message?: string;
  /** Where it was thrown, without the line of the message. */
  stack?: string;
  cause?: LoggedError;
}

/** Takes from any thrown value exactly what is named here. */
export function serializeError(error: unknown, causes = 0): LoggedError {
  const logged: LoggedError = describeSafely(error);
  if (error instanceof KitechatSenderError) logged.message = error.message;
  if (!(error instanceof Error)) return logged;
  const frames = framesOf(error);
  if (frames.length > 0) logged.stack = frames.join('\n');
  if (error.cause !== undefined && causes < MAX_CAUSES) logged.cause = serializeError(error.cause, causes + 1);
  return logged;
}

/** One line for people, for when nobody has written a better one. */
export function titleOf(error: unknown): string {
  if (error instanceof KitechatSenderError) return error.message;
  const { name, code } = describeSafely(error);
  return code === undefined ? name : `${name} ${code}`;
}

/** The stack begins with the message, and the lines of a message can look like frames: all of it goes. */
function framesOf({ message, stack = '' }: Error): string[] {
  const start = stack.indexOf(message);
  if (start === -1) return [];
  return stack
    .slice(start + message.length)
    .split('\n')
    .filter((line) => FRAME.test(line))
    .slice(0, MAX_FRAMES);
}
