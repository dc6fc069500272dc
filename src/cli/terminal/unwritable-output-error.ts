import { KitechatSenderError } from '../../shared/errors/errors.ts';
import { describeSafely } from '../../shared/errors/safe-cause.ts';

const REASONS: Record<string, string> = {
  EEXIST: 'it exists already; --force replaces it',
  ENOENT: 'there is no such folder',
  ENOTDIR: 'there is no such folder',
  EISDIR: 'it is a folder',
  EACCES: 'this user may not write to it',
  EPERM: 'this user may not write to it',
  EROFS: 'its file system is read-only',
  ENOSPC: 'the disk is full',
};

/** The output file of a command can't be written. A file that was there before is unchanged. */
export class UnwritableOutputError extends KitechatSenderError {
  override readonly name = 'UnwritableOutputError';
  readonly code = 'UNWRITABLE_OUTPUT';
  /** Whether the path is at fault; otherwise the writing itself failed. */
  readonly isUsage: boolean;

  /** @param path as the user named it */
  constructor(path: string, cause: unknown, { isUsage }: { isUsage: boolean }) {
    const { code = 'unknown error' } = describeSafely(cause);
    super(`${path} can't be written: ${REASONS[code] ?? code}.`, { cause });
    this.isUsage = isUsage;
  }
}
