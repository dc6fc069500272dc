import { ConfigError, EnqueueUncertainError, KitechatSenderError, QueueUnavailableError } from '../shared/errors.ts';
import { RedisMissingError } from '../testing/redis-errors.ts';
import { type ExitCode, exitCodes } from './context.ts';

/** The exit code that an error stands for, and what to tell people; `null` for a fault in this program. */
export function failureOf(error: unknown): { exitCode: ExitCode; message: string } | null {
  if (!(error instanceof KitechatSenderError)) return null;
  return { exitCode: exitCodeOf(error), message: error.message };
}

function exitCodeOf(error: KitechatSenderError): ExitCode {
  if (error instanceof ConfigError) return exitCodes.usage;
  const unreachable = [QueueUnavailableError, EnqueueUncertainError, RedisMissingError];
  return unreachable.some((kind) => error instanceof kind) ? exitCodes.redisUnreachable : exitCodes.notFullyDone;
}
