import { describeSafely } from '../errors/safe-cause.ts';
import { readFileSync, statSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';

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

/** What a file of keys holds, or all that is wrong with it. No problem quotes anything of it. */
export type Contents<T> = { value: T } | { problems: readonly string[] };

export interface KeyFile<T> {
  /** The variable that names the file. */
  readonly variable: string;
  /** What its last good version holds; `undefined` before there was one. */
  current(): T | undefined;
  /** Reads it. @returns `null` if it is as it was at the look before. */
  look(): Promise<Contents<T> | null>;
  /** The same at once, for who can't go on without it. */
  lookNow(): Contents<T> | null;
}

export interface KeyFileOptions<T> {
  variable: string;
  path: string;
  parse(text: string): Contents<T>;
}

type Version = { text: string } | { problem: string };

/**
 * A file that is looked at again and again. Its whole text is compared: another one can have the same time, size and inode,
 * and those of a link don't change when it leads elsewhere, as mounted secrets do.
 */
export function openKeyFile<T>({ variable, path, parse }: KeyFileOptions<T>): KeyFile<T> {
  let current: T | undefined;
  let seen: Version | undefined;

  return {
    variable,
    current: () => current,
    look: async () => take(await read()),
    lookNow: () => take(readNow()),
  };

  function take(version: Version): Contents<T> | null {
    if (isDeepStrictEqual(version, seen)) return null;
    seen = version;
    const contents = 'text' in version ? parse(version.text) : { problems: [version.problem] };
    if ('value' in contents) current = contents.value;
    return contents;
  }

  // A pipe, such as a shell's `<(…)`, gives what it holds only once, and might be waited for without end.
  async function read(): Promise<Version> {
    try {
      if (seen && (await stat(path)).isFIFO()) return seen;
      return { text: await readFile(path, 'utf8') };
    } catch (error) {
      return unreadableFile(error);
    }
  }

  function readNow(): Version {
    try {
      if (seen && statSync(path).isFIFO()) return seen;
      return { text: readFileSync(path, 'utf8') };
    } catch (error) {
      return unreadableFile(error);
    }
  }
}

/** What is wrong with a file, as a `ConfigError` tells it. */
export function problemsIn(
  { variable }: Pick<KeyFile<unknown>, 'variable'>,
  contents: Contents<unknown> | null,
): string[] {
  return contents && 'problems' in contents ? contents.problems.map((problem) => `${variable}: ${problem}`) : [];
}
