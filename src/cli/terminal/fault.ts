import { serializeError } from '../../shared/errors/serialize-error.ts';

/** Tells of a fault in this program without the message of the error, which may hold a key or content. */
export function describeFault(error: unknown): string {
  const { name, code, stack } = serializeError(error);
  const known = [name, code].filter((part) => part !== undefined).join(' ');
  return `a fault in this program, please report it: ${known}${stack === undefined ? '' : `\n${stack}`}`;
}
