import { KitechatSenderError } from '../../shared/errors/errors.ts';
import { describeSafely } from '../../shared/errors/safe-cause.ts';

const REASONS: Record<string, string> = {
  EEXIST: 'it is there already; --force replaces it',
  ENOENT: 'there is no such folder',
  ENOTDIR: 'there is no such folder',
  EISDIR: 'it is a folder',
  EACCES: 'this user may not write it',
  EPERM: 'this user may not write it',
  EROFS: 'its file system is read-only',
  ENOSPC: 'the disk is full',
};

/** The file that a command was to write can't be written. What was there is unchanged. */
export class UnwritableOutputError extends KitechatSenderError {
  override readonly name = 'UnwritableOutputError';
  readonly code = 'UNWRITABLE_OUTPUT';
  /** Whether another name would do; else the writing itself has failed. */
  readonly isUsage: boolean;

  /** @param path as the user named it */
  constructor(path: string, cause: unknown, { isUsage }: { isUsage: boolean }) {
    const { code = 'unknown error' } = describeSafely(cause);
    super(`${path} can't be written: ${REASONS[code] ?? code}.`, { cause });
    this.isUsage = isUsage;
  }
}
