import { randomUUID } from 'node:crypto';
import { type FileHandle, link, open, realpath, rename, rm, stat } from 'node:fs/promises';
import { UnwritableOutputError } from './file-errors.ts';

/** A file that is there whole or not at all. */
export interface OutputFile {
  write(text: string): Promise<void>;
  /** Puts it in its place. Without this nothing is left of it. */
  finish(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

const CHUNK_LENGTH = 64 * 1024;
/** It holds what people wrote to each other. */
const ONLY_FOR_ITS_OWNER = 0o600;

/**
 * Opens a file to write: beside its place and under another name until it is whole. What is no plain file (a device, a
 * named pipe) is written as it stands.
 *
 * @throws UnwritableOutputError also if it is there already, unless it may be replaced.
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
  /** Where it is moved to when it is whole; `null` if it is written there at once. */
  target: string | null;
}

async function findPlace(path: string, replace: boolean): Promise<Place> {
  // Through a link: what it points at is replaced, not the link.
  const target = await realpath(path).catch(() => path);
  const found = await stat(target).catch(() => null);
  if (found !== null && !found.isFile() && !found.isDirectory()) return { opened: target, flags: 'w', target: null };
  if (found?.isDirectory()) throw Object.assign(new Error('a folder'), { code: 'EISDIR' });
  if (found !== null && !replace) throw alreadyThere();
  return { opened: `${target}.${randomUUID().slice(0, 8)}.part`, flags: 'wx', target };
}

async function moveInto({ opened, target }: Place, handle: FileHandle, replace: boolean): Promise<void> {
  if (target === null) return;
  // Entries may be discarded as soon as this is there.
  await handle.sync();
  if (!replace && (await takeFreeName(opened, target))) await rm(opened);
  else await rename(opened, target);
}

/** Unlike a rename, a link never replaces what somebody else has put there since. @returns `false` if there are no links here. */
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
