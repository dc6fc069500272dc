import { KitechatSenderError } from '../../shared/errors/errors.ts';
import { describeSafely } from '../../shared/errors/safe-cause.ts';

const REASONS: Record<string, string> = {
  ENOENT: 'there is no such file',
  EISDIR: 'it is a folder',
  EACCES: 'this user may not read it',
};

/** The input of a command can't be read. */
export class UnreadableInputError extends KitechatSenderError {
  override readonly name = 'UnreadableInputError';
  readonly code = 'UNREADABLE_INPUT';

  /** @param name the file as the user named it, or `stdin` */
  constructor(name: string, cause: unknown) {
    const { code = 'unknown error' } = describeSafely(cause);
    const reason = REASONS[code] ?? code;
    super(`${name} can't be read: ${reason}. Name a file with one message per line, or omit it to read stdin.`, {
      cause,
    });
  }
}
