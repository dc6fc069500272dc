import { expect } from 'vitest';
import type { RedisServer } from '../../src/testing/redis/redis-handle.ts';
import type { CommandResult } from './command-line.ts';
import { runCommand } from './run-command.ts';
import { install, type Installation, type InstallationOptions } from './worker.ts';

/** Runs a command in the installation's namespace to its end. */
export type Cli = (...args: string[]) => Promise<CommandResult>;

export interface CliInstallation extends Installation {
  cli: Cli;
  /** The environment for processes that a test starts itself. */
  env: Record<string, string>;
}

/** An installation with a command line. */
export async function installWithCli(
  server: Pick<RedisServer, 'url'>,
  options: InstallationOptions = {},
): Promise<CliInstallation> {
  const installation = await install(server, options);
  const env = { REDIS_URL: server.url, KITECHAT_NAMESPACE: installation.config.namespace ?? '' };
  return { ...installation, env, cli: (...args) => runCommand(args, env) };
}

/** The lines that a command wrote to stdout, one JSON object each. */
export function jsonLinesOf({ stdout }: CommandResult): Record<string, unknown>[] {
  return stdout.map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** The only line on stdout, as JSON. */
export function onlyJsonOf(result: CommandResult): Record<string, unknown> {
  const [first = {}, ...others] = jsonLinesOf(result);
  expect(others).toEqual([]);
  return first;
}
