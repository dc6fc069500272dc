import { framesOf } from './frames.ts';
import { safeCause } from './safe-cause.ts';

/** Returns an error that any logger can write: it has the stack, but not the message and properties, which can quote keys and content. */
export function loggableError(error: unknown): Error {
  const safe = safeCause(error);
  const frames = error instanceof Error ? framesOf(error) : [];
  safe.stack = [safe.stack, ...frames].join('\n');
  return safe;
}
