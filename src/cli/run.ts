import { CommanderError } from 'commander';
import { blankVariables, unknownVariables } from '../shared/config/config.ts';
import { type CommandContext, exitCodes, line } from './context/context.ts';
import { createProgram } from './program.ts';
import { failureOf } from './terminal/failure.ts';
import { describeFault } from './terminal/fault.ts';

/**
 * Runs one command and reports its errors.
 *
 * @param args the arguments after the name of the program
 * @returns the exit code
 */
export async function run(context: CommandContext, args: readonly string[]): Promise<number> {
  const { env, stderr } = context;
  for (const warning of [...unknownVariables(env), ...blankVariables(env)]) line(stderr, `warning: ${warning}`);
  let exitCode: number = exitCodes.done;
  try {
    await createProgram(context, (code) => (exitCode = code)).parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
    const failure = failureOf(error, env);
    line(stderr, failure?.message ?? describeFault(error));
    return failure?.exitCode ?? exitCodes.notFullyDone;
  }
}
