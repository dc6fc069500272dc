import type { Server } from 'node:net';
import { listenOn } from '../../shared/listen.ts';

const PROBLEMS: Record<string, string> = {
  EADDRINUSE: 'port: is in use; choose another port, or 0 for a free one',
  EACCES: 'port: this user may not listen on this port; choose one above 1023, or 0 for a free one',
  EADDRNOTAVAIL: 'host: is not an address of this machine; omit it for 127.0.0.1',
  ENOTFOUND: 'host: is an unknown host; omit it for 127.0.0.1',
};

/**
 * Starts to listen and returns the port.
 *
 * @throws ConfigError if the server can't listen at the address.
 */
export async function listen(server: Server, host: string, port: number): Promise<number> {
  return await listenOn(server, { host, port }, PROBLEMS, 'host or port');
}
