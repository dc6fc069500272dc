import { debuglog } from 'node:util';
import { loggableError } from './loggable-error.ts';
import { titleOf } from './serialize-error.ts';

/** Prints for `NODE_DEBUG=kitechat-sender`, which is looked up at the first line. */
const debug = debuglog('kitechat-sender');

/**
 * Returns what to say of an internal error, as a clause, without its message, which may hold a password or content. Its stack goes to the
 * debug log of Node.
 */
export function tellInternalError(error: unknown): string {
  debug('%s', loggableError(error).stack);
  return `Internal error: ${titleOf(error)}, a fault of kitechat-sender or of how it was built into this app (by a bundler, for example)`;
}
