import type { Server } from 'node:net';
import type { Config } from '../../shared/config/config.ts';
import { ConfigError } from '../../shared/errors/errors.ts';
import { isLoopbackHost } from '../../shared/config/loopback.ts';
import { hostForUrl, listenOn } from '../../shared/listen.ts';

/** The default port of `console`. */
export const DEFAULT_CONSOLE_PORT = 7070;

const PROBLEMS: Record<string, string> = {
  EADDRINUSE: 'KITECHAT_HTTP_PORT: is in use; choose another port, or 0 for a free one',
  EACCES: 'KITECHAT_HTTP_PORT: this user may not listen on this port; choose one above 1023',
  EADDRNOTAVAIL: 'KITECHAT_HTTP_HOST: is not an address of this machine',
  ENOTFOUND: 'KITECHAT_HTTP_HOST: is an unknown host',
};

/** @throws ConfigError if the console would be open to the network, or behind a proxy, without a token. */
export function demandToken({
  httpHost,
  consoleToken,
  consoleTokensFile,
  trustedProxies,
}: Pick<Config, 'httpHost' | 'consoleToken' | 'consoleTokensFile' | 'trustedProxies'>): void {
  if (consoleToken !== undefined || consoleTokensFile !== undefined) return;
  if (trustedProxies !== undefined) {
    throw new ConfigError([
      'KITECHAT_CONSOLE_TOKEN (or KITECHAT_CONSOLE_TOKEN_FILE, or KITECHAT_CONSOLE_TOKENS_FILE) is missing: a console behind KITECHAT_TRUSTED_PROXIES needs one',
    ]);
  }
  if (isLoopbackHost(httpHost)) return;
  throw new ConfigError([
    `KITECHAT_CONSOLE_TOKEN (or KITECHAT_CONSOLE_TOKEN_FILE, or KITECHAT_CONSOLE_TOKENS_FILE) is missing: KITECHAT_HTTP_HOST is ${httpHost}, where others can ` +
      'reach the console. Set a token that nobody can guess, such as the output of "openssl rand -hex 32"',
  ]);
}

/**
 * Starts to listen.
 *
 * @returns the URL that people can open.
 * @throws ConfigError if the server can't listen at the address.
 */
export async function listenAt(server: Server, host: string, port: number): Promise<string> {
  const openPort = await listenOn(server, { host, port }, PROBLEMS, 'KITECHAT_HTTP_HOST or KITECHAT_HTTP_PORT');
  return `http://${hostForUrl(host)}:${openPort}/`;
}
