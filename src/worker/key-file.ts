import { readFile, stat } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import { unreadableFile } from '../shared/value-file.ts';
import type { Contents } from './key-contents.ts';

export interface KeyFile<T> {
  /** The variable that names the file. */
  readonly variable: string;
  /** What its last good version holds; `undefined` before there was one. */
  current(): T | undefined;
  /** Reads it. @returns `null` if it is as it was at the look before. */
  look(): Promise<Contents<T> | null>;
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
    async look() {
      const version = await read();
      if (isDeepStrictEqual(version, seen)) return null;
      seen = version;
      const contents = 'text' in version ? parse(version.text) : { problems: [version.problem] };
      if ('value' in contents) current = contents.value;
      return contents;
    },
  };

  async function read(): Promise<Version> {
    try {
      // A pipe, such as a shell's `<(…)`, gives what it holds only once, and might be waited for without end.
      if (seen && (await stat(path)).isFIFO()) return seen;
      return { text: await readFile(path, 'utf8') };
    } catch (error) {
      return unreadableFile(error);
    }
  }
}
