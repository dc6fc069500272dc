import type { Server } from 'node:net';
import { listenOn } from '../../shared/listen.ts';

const PROBLEMS: Record<string, string> = {
  EADDRINUSE: 'port: is in use; choose another, or 0 for any free one',
  EACCES: 'port: this user may not listen there; choose one above 1023, or 0 for any free one',
  EADDRNOTAVAIL: 'host: is no address of this machine; leave it out for 127.0.0.1',
  ENOTFOUND: 'host: is not known; leave it out for 127.0.0.1',
};

/**
 * Starts to listen and returns the port.
 *
 * @throws ConfigError if the address can't be had.
 */
export async function listen(server: Server, host: string, port: number): Promise<number> {
  return await listenOn(server, { host, port }, PROBLEMS, 'host or port');
}
