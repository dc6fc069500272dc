import { serializeError } from '../../shared/errors/serialize-error.ts';

/** Describes an internal error without its message, which may hold a key or content. */
export function describeFault(error: unknown): string {
  const { name, code, stack } = serializeError(error);
  const known = [name, code].filter((part) => part !== undefined).join(' ');
  return `internal error; please report it: ${known}${stack === undefined ? '' : `\n${stack}`}`;
}
