import { safeCause } from './safe-cause.ts';
import { serializeError } from './serialize-error.ts';

/** Returns an error that any logger can write: it has the stack, but not the message and properties, which can quote keys and content. */
export function loggableError(error: unknown): Error {
  const safe = safeCause(error);
  const { stack = '' } = serializeError(error);
  safe.stack += `\n${stack}`;
  return safe;
}
