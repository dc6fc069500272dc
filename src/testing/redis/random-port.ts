import { randomInt } from 'node:crypto';

/**
 * A random port to listen on, which may be taken. It is below the range of client ports: while a server on a port of that
 * range is down, a client that keeps reconnecting can be given the same port, connect to itself and hold the port.
 */
export function randomPort(): number {
  return randomInt(15_000, 32_000);
}
