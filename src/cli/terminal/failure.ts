import { ChangeUncertainError } from '../../shared/session/calls.ts';
import { type Environment, loadConfig } from '../../shared/config/config.ts';
import {
  ConfigError,
  EnqueueUncertainError,
  KitechatSenderError,
  QueueUnavailableError,
} from '../../shared/errors/errors.ts';
import { describeRedisUrl } from '../../shared/config/redis-addresses.ts';
import { describeSafely } from '../../shared/errors/safe-cause.ts';
import { serializeError } from '../../shared/errors/serialize-error.ts';
import { RedisMissingError } from '../../testing/redis/redis-errors.ts';
import { type ExitCode, exitCodes } from '../context/context.ts';
import { UnreadableInputError, UnwritableOutputError } from './file-errors.ts';

export interface Failure {
  exitCode: ExitCode;
  /** A text for people. */
  message: string;
}

/**
 * The exit code and the message of an error; `null` for an internal error.
 *
 * @param env names the Redis in the message
 */
export function failureOf(error: unknown, env?: Environment): Failure | null {
  if (!(error instanceof KitechatSenderError)) return null;
  return { exitCode: exitCodeOf(error), message: error.message + moreAbout(error, env) };
}

function moreAbout(error: KitechatSenderError, env: Environment | undefined): string {
  if (error.isInternal) return `\n${serializeError(error.cause).stack ?? ''}`.trimEnd();
  if (error instanceof EnqueueUncertainError) return ` ("kitechat-sender message ${error.id}" does that.)`;
  const isOfRedis = error instanceof QueueUnavailableError || error instanceof ChangeUncertainError;
  return isOfRedis && env !== undefined ? ` (${describeAsked(error, env)})` : '';
}

function exitCodeOf(error: KitechatSenderError): ExitCode {
  if (error instanceof ConfigError || error instanceof UnreadableInputError) return exitCodes.usage;
  if (error instanceof UnwritableOutputError) return error.isUsage ? exitCodes.usage : exitCodes.notFullyDone;
  if (error.isInternal) return exitCodes.notFullyDone;
  const unreachable = [QueueUnavailableError, EnqueueUncertainError, ChangeUncertainError, RedisMissingError];
  return unreachable.some((kind) => error instanceof kind) ? exitCodes.redisUnreachable : exitCodes.notFullyDone;
}

/** The address of Redis without user and password, and the code of its error, such as WRONGPASS or OOM. */
function describeAsked({ cause }: KitechatSenderError, env: Environment): string {
  const { code } = describeSafely(cause);
  return `${describeRedisUrl(loadConfig(env).redisUrl)}${code === undefined ? '' : `, ${code}`}`;
}
