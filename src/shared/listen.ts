import { once } from 'node:events';
import type { AddressInfo, Server } from 'node:net';
import { ConfigError } from './errors/errors.ts';
import { describeSafely } from './errors/safe-cause.ts';

/**
 * Starts to listen and returns the port.
 *
 * @param problems what is wrong, by the code of the error
 * @param settings what can be wrong if the code is none of these
 * @throws ConfigError if the address can't be had.
 */
export async function listenOn(
  server: Server,
  { host, port }: { host: string; port: number },
  problems: Readonly<Record<string, string>>,
  settings: string,
): Promise<number> {
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (error) {
    const { code = 'unknown' } = describeSafely(error);
    const problem = problems[code] ?? `${settings}: can't listen there (${code})`;
    throw new ConfigError([`${problem}; asked for ${host}:${port}`]);
  }
  return (server.address() as AddressInfo).port;
}

/** The host to put into a URL for a server that listens there. */
export function hostForUrl(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}
