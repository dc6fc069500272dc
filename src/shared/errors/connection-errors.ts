import { adviceOn, TLS_CODE } from './redis-advice.ts';
import { describeSafely } from './safe-cause.ts';

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
  // Of a node of a cluster that did not answer when it was asked for its slots.
  'timeout',
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

/** System calls that only sockets make. The others are those of files as well. */
const SOCKET_CALLS = new Set(['connect', 'getaddrinfo', 'shutdown']);

/** Whether an error means only that Redis can't be reached, or that the connection was lost. */
export function isConnectionError(error: unknown): boolean {
  const { name, code, syscall } = describeSafely(error);
  if (name === 'ReplyError') return false;
  if (syscall !== undefined && SOCKET_CALLS.has(syscall)) return true;
  if (code !== undefined && (SOCKET_CODES.has(code) || TLS_CODE.test(code))) return true;
  // Codes of our own, such as SILENT and SENTINELS_AWAY.
  if (syscall === undefined && adviceOn(error) !== undefined) return true;
  return error instanceof Error && CONNECTION_MESSAGES.some((start) => error.message.startsWith(start));
}
