import { randomInt } from 'node:crypto';

/**
 * A port to try to listen on; it may be taken. It lies below the ports that systems hand out to clients: while a
 * server on such a port is down, a client that keeps connecting to it can be given that very port, connect to itself
 * and hold it.
 */
export function randomPort(): number {
  return randomInt(15_000, 32_000);
}
