import { KitechatSenderError } from '../../shared/errors/errors.ts';
import { describeSafely } from '../../shared/errors/safe-cause.ts';

type Reasons = Readonly<Record<string, string>>;

const whyUnreadable: Reasons = {
  ENOENT: 'there is no such file',
  EISDIR: 'it is a folder',
  EACCES: 'this user may not read it',
};
const whyUnwritable: Reasons = {
  EEXIST: 'it exists already; --force replaces it',
  ENOENT: 'there is no such folder',
  ENOTDIR: 'there is no such folder',
  EISDIR: 'it is a folder',
  EACCES: 'this user may not write to it',
  EPERM: 'this user may not write to it',
  EROFS: 'its file system is read-only',
  ENOSPC: 'the disk is full',
};

function reasonOf(cause: unknown, reasons: Reasons): string {
  const { code = 'unknown error' } = describeSafely(cause);
  return reasons[code] ?? code;
}

/** The input of a command can't be read. */
export class UnreadableInputError extends KitechatSenderError {
  override readonly name = 'UnreadableInputError';
  readonly code = 'UNREADABLE_INPUT';

  /** @param name the file as the user named it, or `stdin` */
  constructor(name: string, cause: unknown) {
    const reason = reasonOf(cause, whyUnreadable);
    super(`${name} can't be read: ${reason}. Name a file with one message per line, or omit it to read stdin.`, {
      cause,
    });
  }
}

/** The output file of a command can't be written. A file that was there before is unchanged. */
export class UnwritableOutputError extends KitechatSenderError {
  override readonly name = 'UnwritableOutputError';
  readonly code = 'UNWRITABLE_OUTPUT';
  /** Whether the path is at fault; otherwise the writing itself failed. */
  readonly isUsage: boolean;

  /** @param path as the user named it */
  constructor(path: string, cause: unknown, { isUsage }: { isUsage: boolean }) {
    super(`${path} can't be written: ${reasonOf(cause, whyUnwritable)}.`, { cause });
    this.isUsage = isUsage;
  }
}
