import type { Server } from 'node:net';
import { ConfigError } from '../../shared/errors/errors.ts';
import { hostForUrl, listenOn } from '../../shared/listen.ts';
import { isLoopbackHost } from '../http/origin.ts';

/** Where `console` listens if nothing is said. */
export const DEFAULT_CONSOLE_PORT = 7070;

const PROBLEMS: Record<string, string> = {
  EADDRINUSE: 'KITECHAT_HTTP_PORT: is in use; choose another one, or 0 for any free one',
  EACCES: 'KITECHAT_HTTP_PORT: this user may not listen there; choose one above 1023',
  EADDRNOTAVAIL: 'KITECHAT_HTTP_HOST: is no address of this machine',
  ENOTFOUND: 'KITECHAT_HTTP_HOST: is not known',
};

/** @throws ConfigError if anybody in the network could use the console. */
export function demandToken({ httpHost, consoleToken }: { httpHost: string; consoleToken?: string | undefined }): void {
  if (consoleToken !== undefined || isLoopbackHost(httpHost)) return;
  throw new ConfigError([
    `KITECHAT_CONSOLE_TOKEN (or KITECHAT_CONSOLE_TOKEN_FILE) is missing: KITECHAT_HTTP_HOST is ${httpHost}, where others can ` +
      'reach the console. Set a token that nobody can guess, such as the output of "openssl rand -hex 32"',
  ]);
}

/**
 * Starts to listen.
 *
 * @returns the URL that people can open.
 * @throws ConfigError if the address can't be had.
 */
export async function listenAt(server: Server, host: string, port: number): Promise<string> {
  const openPort = await listenOn(server, { host, port }, PROBLEMS, 'KITECHAT_HTTP_HOST or KITECHAT_HTTP_PORT');
  return `http://${hostForUrl(host)}:${openPort}/`;
}
