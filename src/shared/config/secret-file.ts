import { describeSafely } from '../errors/safe-cause.ts';
import { meantBy } from './given-text.ts';
import { readFileSync, statSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';

/** The value in a file, or why the file can't be used. */
export type FileValue = { value: string } | { problem: string };

/** Returns the value in a file, as `meantBy` reads it. */
export function valueInFile(text: string, { isSecret = false } = {}): FileValue {
  // Windows PowerShell writes UTF-16.
  if (text.includes('\0')) return { problem: 'names a file that is not UTF-8 text: save it as UTF-8' };
  const meant = meantBy(text, { isSecret });
  if ('problem' in meant) return { problem: `names a file whose content ${meant.problem}` };
  return meant.value === '' ? { problem: 'names an empty file' } : meant;
}

/** Describes an error without the path or the error's message, because people by mistake give the secret itself as the path. */
export function unreadableFile(error: unknown): { problem: string } {
  const { code, name } = describeSafely(error);
  return { problem: `names a file that can't be read (${code ?? name})` };
}

/** The content of a key file, or all of its problems. No problem quotes the file. */
export type Contents<T> = { value: T } | { problems: readonly string[] };

export interface KeyFile<T> {
  /** The variable that names the file. */
  readonly variable: string;
  /** Returns the content of the last valid version; `undefined` if there was none yet. */
  current(): T | undefined;
  /** Reads the file. @returns `null` if it has not changed since it was last read. */
  look(): Promise<Contents<T> | null>;
  /** Synchronous `look()`, for callers that can't wait. */
  lookNow(): Contents<T> | null;
}

export interface KeyFileOptions<T> {
  variable: string;
  path: string;
  parse(text: string): Contents<T>;
}

type Version = { text: string } | { problem: string };

/**
 * Opens a file that is read repeatedly. A change is noticed by comparing the whole text: a new version can have the same time, size and
 * inode, and those of a symbolic link, as of mounted secrets, don't change when its target does.
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

  // A pipe, such as a shell's `<(…)`, can be read only once; reading it again could block forever.
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

/** Returns the problems of a key file, for a `ConfigError`. */
export function problemsIn(
  { variable }: Pick<KeyFile<unknown>, 'variable'>,
  contents: Contents<unknown> | null,
): string[] {
  return contents && 'problems' in contents ? contents.problems.map((problem) => `${variable}: ${problem}`) : [];
}
