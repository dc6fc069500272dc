import { open } from 'node:fs/promises';

const CHUNK_BYTES = 1_048_576;
/** Longer than any event. A longer line is not ours and is skipped. */
const MAX_LINE_BYTES = 4 * CHUNK_BYTES;
const LINE_END = 10;
const NOTHING = Buffer.alloc(0);

/** Returns the lines of a file that contain a text; none if the file doesn't exist. A last line without its end is included. */
export async function linesWith(path: string, text: string): Promise<string[]> {
  const needle = Buffer.from(text);
  const found: string[] = [];
  const file = await openIfThere(path);
  if (file === null) return found;
  try {
    const { size } = await file.stat();
    const chunk = Buffer.allocUnsafe(Math.min(size, CHUNK_BYTES));
    let rest = NOTHING;
    for (;;) {
      const { bytesRead } = await file.read(chunk);
      if (bytesRead === 0) break;
      const bytes = chunk.subarray(0, bytesRead);
      const block = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
      const end = block.lastIndexOf(LINE_END) + 1;
      collect(block.subarray(0, end), needle, found);
      const isTooLong = block.length - end > MAX_LINE_BYTES;
      rest = isTooLong ? NOTHING : Buffer.from(block.subarray(end));
    }
    collect(rest, needle, found);
    return found;
  } finally {
    await file.close();
  }
}

function collect(block: Buffer, needle: Buffer, found: string[]): void {
  for (let at = block.indexOf(needle); at !== -1;) {
    const start = block.lastIndexOf(LINE_END, at) + 1;
    const next = block.indexOf(LINE_END, at);
    const end = next === -1 ? block.length : next;
    found.push(block.toString('utf8', start, end));
    at = block.indexOf(needle, end);
  }
}

async function openIfThere(path: string): Promise<Awaited<ReturnType<typeof open>> | null> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/**
 * Appends whole lines to a file, which is created if needed, and returns when they are on the disk. A line that a crash has left without
 * its end gets the end first.
 *
 * @returns whether the file is new
 */
export async function appendLines(path: string, lines: readonly string[]): Promise<boolean> {
  const file = await open(path, 'a+', 0o600);
  try {
    const { size } = await file.stat();
    const last = Buffer.alloc(1, LINE_END);
    if (size > 0) await file.read(last, 0, 1, size - 1);
    const repair = last[0] === LINE_END ? '' : '\n';
    await file.writeFile(`${repair}${lines.join('\n')}\n`);
    await file.datasync();
    return size === 0;
  } finally {
    await file.close();
  }
}
