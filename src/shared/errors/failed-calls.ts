import { isConnectionError } from './connection-errors.ts';
import { KitechatSenderError } from './errors.ts';
import { isRefusal } from './redis-advice.ts';
import { describeSafely } from './safe-cause.ts';

/** What the error of a call to Redis tells. */
export interface FailedCall {
  /**
   * `refused`: Redis answered so. `late`: no answer came in time. `lost`: the connection was lost. `internal`: a fault of this package, or
   * of how it was built into an app.
   */
  what: 'refused' | 'late' | 'lost' | 'internal';
  /** Whether Redis may have carried out the call, or a part of it, provided that the call had left. */
  mayHaveRun: boolean;
}

/** A script that could not be compiled, or that Redis does not have. */
const NEVER_RAN = /^(?:NOSCRIPT |ERR Error compiling script)/;
/** Redis kills only scripts that have written nothing. */
const KILLED = 'Script killed by user';
/** What a script has done before it fails stays done. Redis 7 adds to the text where it failed; before, the text begins with that. */
const IN_SCRIPT = /^ERR Error running script|user_script:\d+: | script: [0-9a-f]+, on @user_script:\d+\.?\s*$/;

/** Judges any error of a call to Redis. */
export function judgeFailedCall(error: unknown): FailedCall {
  const { name, code } = describeSafely(error);
  if (name === 'ReplyError' && error instanceof Error) return judgeReply(error, code);
  if (name === 'DeadlineError') return { what: 'late', mayHaveRun: true };
  return { what: isConnectionError(error) ? 'lost' : 'internal', mayHaveRun: true };
}

function judgeReply(error: Error, code: string | undefined): FailedCall {
  const { message } = error;
  if (NEVER_RAN.test(message)) return { what: 'internal', mayHaveRun: false };
  // These meet the first write of a script: Redis does not change its mind within one.
  const isFirst = isRefusal(error) || code === 'OOM' || message.includes(KILLED);
  if (isFirst || !IN_SCRIPT.test(message)) return { what: 'refused', mayHaveRun: false };
  // With a code of its own it is the error of a command: for WRONGTYPE the stored data is the reason, for NOPERM the rights of the user.
  return { what: code === undefined || code === 'ERR' ? 'internal' : 'refused', mayHaveRun: true };
}

/** Whether an error is a fault of this package, or of how it was built into an app, or one of our errors that tells of such a fault. */
export function isInternalError(error: unknown): boolean {
  if (error instanceof KitechatSenderError) return error.isInternal;
  return judgeFailedCall(error).what === 'internal';
}
