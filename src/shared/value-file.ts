import { describeSafely } from './safe-cause.ts';

/** What a file holds, or why it can't be used. */
export type FileValue = { value: string } | { problem: string };

/** The value that a file holds, without its last line break. */
export function valueInFile(text: string): FileValue {
  const value = text.replace(/[\r\n]+$/, '');
  return value === '' ? { problem: 'names an empty file' } : { value };
}

/** Neither the path nor the error's message is told: people put the secret itself where its file belongs by mistake. */
export function unreadableFile(error: unknown): { problem: string } {
  const { code, name } = describeSafely(error);
  return { problem: `names a file that can't be read (${code ?? name})` };
}
