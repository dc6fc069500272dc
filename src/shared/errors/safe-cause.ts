const MAX_DEPTH = 5;
/** Names and codes are identifiers (`ECONNREFUSED`, `UND_ERR_SOCKET`, `ReplyError`). Anything else could be data. */
const IDENTIFIER = /^[A-Za-z][A-Za-z0-9_]{0,63}$/;
/** The error code at the start of a reply of Redis: `WRONGPASS invalid username-password pair`. */
const REPLY_CODE = /^([A-Z][A-Z0-9]{1,31})(?: |$)/;
/**
 * Before Redis 7 the code of a command in a script comes late: `ERR Error running script (…): @user_script: 1: -READONLY You …`, or
 * `@user_script: 1: -READONLY You …` if the script has caught the error.
 */
const CODE_IN_SCRIPT = /^(?:ERR Error running script \([^)]*\): .{0,60})?@user_script: ?\d+: -?([A-Z][A-Z0-9]{1,31}) /;
/** Before Redis 7.2 a command that the user of a script may not run has no code: `ERR The user executing the script can't run this …`. */
const RIGHT_IN_SCRIPT =
  /^(?:ERR |(?:ERR Error running script \([^)]*\): .{0,60})?@user_script: ?\d+: )The user executing the script can't /;
const NO_CLUSTER = /^ERR This instance has cluster support disabled/;

/** The parts of a foreign error that are safe to show. */
export interface SafeError {
  name: string;
  code?: string;
  syscall?: string;
}

/**
 * Returns a new error with only the `name`, `code` and `syscall` of the given one (and of its causes), so that it can be attached, thrown
 * and logged. Messages, stacks and other properties of foreign errors contain passwords, keys and message content.
 */
export function safeCause(error: unknown): Error {
  return copy(error, 0);
}

/** Returns the safe parts of any thrown value. */
export function describeSafely(error: unknown): SafeError {
  const name = identifier(error, 'name') ?? 'Error';
  const code = identifier(error, 'code') ?? replyCode(error, name);
  const syscall = identifier(error, 'syscall');
  return { name, ...(code === undefined ? {} : { code }), ...(syscall === undefined ? {} : { syscall }) };
}

function copy(error: unknown, depth: number): Error {
  const { name, code, syscall } = describeSafely(error);
  const inner = error instanceof Error && error.cause !== undefined && depth < MAX_DEPTH ? error.cause : undefined;
  const message = [code ?? 'no code', syscall && `in ${syscall}`].filter(Boolean).join(' ');
  const safe = new Error(message, inner === undefined ? undefined : { cause: copy(inner, depth + 1) });
  safe.name = name;
  // The frames of a new error would be those of this file.
  safe.stack = `${name}: ${message}`;
  return Object.assign(safe, code === undefined ? {} : { code }, syscall === undefined ? {} : { syscall });
}

function identifier(error: unknown, key: string): string | undefined {
  const value: unknown = typeof error === 'object' && error !== null ? Reflect.get(error, key) : undefined;
  return typeof value === 'string' && IDENTIFIER.test(value) ? value : undefined;
}

function replyCode(error: unknown, name: string): string | undefined {
  if (name !== 'ReplyError' || !(error instanceof Error)) return undefined;
  if (RIGHT_IN_SCRIPT.test(error.message)) return 'NOPERM';
  if (NO_CLUSTER.test(error.message)) return 'NO_CLUSTER';
  return (CODE_IN_SCRIPT.exec(error.message) ?? REPLY_CODE.exec(error.message))?.[1];
}
