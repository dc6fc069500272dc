import { runProcess } from '../../test/support/command-line.ts';

/**
 * Runs a command of ours to its end.
 *
 * @throws if it fails.
 */
export async function command(env: Record<string, string>, ...args: readonly string[]): Promise<void> {
  const { exitCode, stderr } = await runProcess(args, env);
  if (exitCode !== 0) throw new Error(`"${args.join(' ')}" ended with ${exitCode}:\n${stderr.slice(-10).join('\n')}`);
}
