import { expect } from 'vitest';
import type { RedisServer } from '../../src/testing/redis/redis-handle.ts';
import type { CommandResult } from './command-line.ts';
import { runCommand } from './run-command.ts';
import { install, type Installation, type InstallationOptions } from './worker.ts';

/** Runs the command line in the installation's namespace, to its end. */
export type Cli = (...args: string[]) => Promise<CommandResult>;

export interface CliInstallation extends Installation {
  cli: Cli;
  /** For processes that are started by hand. */
  env: Record<string, string>;
}

/** An installation, and the command line in it. */
export async function installWithCli(
  server: Pick<RedisServer, 'url'>,
  options: InstallationOptions = {},
): Promise<CliInstallation> {
  const installation = await install(server, options);
  const env = { REDIS_URL: server.url, KITECHAT_NAMESPACE: installation.config.namespace ?? '' };
  return { ...installation, env, cli: (...args) => runCommand(args, env) };
}

/** What a command wrote on stdout: one JSON object a line. */
export function jsonLinesOf({ stdout }: CommandResult): Record<string, unknown>[] {
  return stdout.map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** The only line on stdout, as JSON. */
export function onlyJsonOf(result: CommandResult): Record<string, unknown> {
  const [first = {}, ...others] = jsonLinesOf(result);
  expect(others).toEqual([]);
  return first;
}
