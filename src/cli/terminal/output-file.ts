import { randomUUID } from 'node:crypto';
import { type FileHandle, link, open, realpath, rename, rm, stat } from 'node:fs/promises';
import { UnwritableOutputError } from './file-errors.ts';

/** A file that appears complete or not at all. */
export interface OutputFile {
  write(text: string): Promise<void>;
  /** Moves the file to its path. Without this call, no file remains. */
  finish(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

const CHUNK_LENGTH = 64 * 1024;
/** The file holds what people wrote to each other. */
const ONLY_FOR_ITS_OWNER = 0o600;

/**
 * Opens a file for writing, under a temporary name in its folder until it is complete. A path that is not a regular file (a
 * device, a named pipe) is written directly.
 *
 * @throws UnwritableOutputError, also if the file exists and `replace` is false.
 */
export async function createOutputFile(path: string, { replace }: { replace: boolean }): Promise<OutputFile> {
  const fail = (isUsage: boolean) => (cause: unknown) => {
    throw new UnwritableOutputError(path, cause, { isUsage });
  };
  const place = await findPlace(path, replace).catch(fail(true));
  const handle = await open(place.opened, place.flags, ONLY_FOR_ITS_OWNER).catch(fail(true));
  let waiting = '';
  let isFinished = false;

  async function flush(): Promise<void> {
    const text = waiting;
    waiting = '';
    await handle.writeFile(text);
  }

  return {
    async write(text) {
      waiting += text;
      if (waiting.length >= CHUNK_LENGTH) await flush().catch(fail(false));
    },
    async finish() {
      await flush()
        .then(() => moveInto(place, handle, replace))
        .catch(fail(false));
      isFinished = true;
    },
    async [Symbol.asyncDispose]() {
      await handle.close();
      if (!isFinished && place.target !== null) await rm(place.opened, { force: true });
    },
  };
}

interface Place {
  opened: string;
  flags: 'w' | 'wx';
  /** The path that the complete file is moved to; `null` if the file is written directly. */
  target: string | null;
}

async function findPlace(path: string, replace: boolean): Promise<Place> {
  // Follows a link, so that its target is replaced and not the link.
  const target = await realpath(path).catch(() => path);
  const found = await stat(target).catch(() => null);
  if (found !== null && !found.isFile() && !found.isDirectory()) return { opened: target, flags: 'w', target: null };
  if (found?.isDirectory()) throw Object.assign(new Error('a folder'), { code: 'EISDIR' });
  if (found !== null && !replace) throw alreadyThere();
  return { opened: `${target}.${randomUUID().slice(0, 8)}.part`, flags: 'wx', target };
}

async function moveInto({ opened, target }: Place, handle: FileHandle, replace: boolean): Promise<void> {
  if (target === null) return;
  // Entries may be discarded as soon as the file exists, so it must be on disk first.
  await handle.sync();
  if (!replace && (await takeFreeName(opened, target))) await rm(opened);
  else await rename(opened, target);
}

/** Unlike a rename, a link never replaces a file that appeared since. @returns `false` if the file system has no links. */
async function takeFreeName(opened: string, target: string): Promise<boolean> {
  try {
    await link(opened, target);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') throw error;
    return false;
  }
}

function alreadyThere(): Error {
  return Object.assign(new Error('it exists'), { code: 'EEXIST' });
}
