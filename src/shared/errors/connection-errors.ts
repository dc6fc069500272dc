import { adviceOn } from './redis-advice.ts';
import { describeSafely } from './safe-cause.ts';
import { isTlsCode } from './tls-advice.ts';

/**
 * How errors of ioredis and BullMQ begin that have no code. Their names are no help: they are the names of classes, which bundlers change.
 */
const CONNECTION_MESSAGES = [
  'Connection is closed',
  "Stream isn't writeable",
  "Cluster isn't ready",
  'Command aborted due to connection close',
  'Reached the max retries per request limit',
  'Socket timeout',
  'All sentinels are unreachable',
  'Failed to refresh slots cache',
  'None of startup nodes is available',
  'Cluster is disconnect',
  'Cluster is ended',
  'Node is disconnected',
  'Connection is discarded because a new connection is made',
  'Connection is aborted',
  'Too many Cluster redirections',
  'BullMQ: cluster reconnect timed out',
  // Before it is given its code.
  'Unknown RESP type',
];
/** The whole message for a node of a cluster that did not answer when it was asked for its slots. */
const NODE_TIMEOUT = 'timeout';

/** Codes of Node's sockets, also where there was no system call: `read` of a socket that the other side has closed, `AggregateError`. */
const SOCKET_CODES = new Set([
  'ECONNABORTED',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTDOWN',
  'EHOSTUNREACH',
  'ENETDOWN',
  'ENETRESET',
  'ENETUNREACH',
  'ENOTCONN',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EPIPE',
  'ETIMEDOUT',
  'ERR_SOCKET_CLOSED',
  'ERR_SOCKET_CLOSED_BEFORE_CONNECTION',
  'ERR_SOCKET_CONNECTION_TIMEOUT',
  'ERR_STREAM_DESTROYED',
  'ERR_STREAM_PREMATURE_CLOSE',
  'ERR_STREAM_WRITE_AFTER_END',
]);

/** System calls that only sockets make. */
const SOCKET_CALLS = new Set(['connect', 'getaddrinfo', 'shutdown']);

/** System calls of sockets and of files. */
const SHARED_CALLS = new Set(['read', 'write']);
/**
 * Errors of those calls that a socket never gives: the thing is a folder, it was closed by mistake, its disk is full, or it is an output
 * that is written synchronously. Other errors of files, as of a broken disk, can't be told from those of sockets.
 */
const FILE_CODES = new Set(['EAGAIN', 'EBADF', 'EDQUOT', 'EFBIG', 'EISDIR', 'ENOSPC']);

/** Whether an error means only that Redis can't be reached, or that the connection was lost. */
export function isConnectionError(error: unknown): boolean {
  const { name, code, syscall } = describeSafely(error);
  if (name === 'ReplyError') return false;
  if (syscall !== undefined && SOCKET_CALLS.has(syscall)) return true;
  if (syscall !== undefined && SHARED_CALLS.has(syscall)) return code === undefined || !FILE_CODES.has(code);
  if (code !== undefined && (SOCKET_CODES.has(code) || isTlsCode(code))) return true;
  // Codes of our own, such as SILENT and SENTINELS_AWAY.
  if (syscall === undefined && adviceOn(error) !== undefined) return true;
  if (!(error instanceof Error)) return false;
  const { message } = error;
  return message === NODE_TIMEOUT || CONNECTION_MESSAGES.some((start) => message.startsWith(start));
}
