import type { Readable } from 'node:stream';
import { UnreadableInputError } from '../terminal/file-errors.ts';

/** A line of the input, numbered from 1, or the problem that prevents reading it. */
export type InputLine = { number: number; text: string } | { number: number; problem: string };

export interface Input {
  name: string;
  stream: Readable;
}

const NEWLINE = 0x0a;
/** Far more than any request needs, however it is escaped. */
const MAX_LINE_BYTES = 1024 * 1024;

/**
 * Yields each line of a text as soon as it is complete; empty lines are counted and left out. Only `\n` and `\r\n` end a
 * line: readline would also split at U+2028, which JSON may contain unescaped. A line with invalid UTF-8 yields a problem; its
 * bytes are never silently replaced. A BOM is removed.
 *
 * @param input.name the name of the input in errors, as the user knows it
 * @param stop ends the reading early; an incomplete line is not yielded
 * @throws UnreadableInputError
 */
export async function* readLines(input: Input, stop: AbortSignal): AsyncGenerator<InputLine> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let number = 0;
  let parts: Buffer[] = [];
  let bytes = 0;

  const collect = (part: Buffer): void => {
    bytes += part.length;
    // A line that is too long is refused, so its bytes aren't kept.
    if (bytes > MAX_LINE_BYTES) parts = [];
    else parts.push(part);
  };
  const endLine = (): InputLine => {
    number += 1;
    const whole = Buffer.concat(parts);
    const tooLong = bytes > MAX_LINE_BYTES;
    parts = [];
    bytes = 0;
    if (tooLong) return { number, problem: 'is longer than 1 MiB' };
    try {
      return { number, text: decoder.decode(whole) };
    } catch {
      return { number, problem: 'is not in UTF-8' };
    }
  };

  for await (const chunk of chunksOf(input, stop)) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      collect(chunk.subarray(start, end));
      start = end + 1;
      const read = endLine();
      if (!isEmpty(read)) yield read;
    }
    collect(chunk.subarray(start));
  }
  const last = endLine();
  if (!isEmpty(last) && !stop.aborted) yield last;
}

function isEmpty(read: InputLine): boolean {
  return 'text' in read && read.text.trim() === '';
}

async function* chunksOf({ name, stream }: Input, stop: AbortSignal): AsyncGenerator<Buffer> {
  // A pending read from a pipe or a terminal ends only with its stream.
  const destroy = (): void => void stream.destroy();
  stop.addEventListener('abort', destroy, { once: true });
  if (stop.aborted) destroy();
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) yield chunk;
  } catch (error) {
    if (!stop.aborted) throw new UnreadableInputError(name, error);
  } finally {
    stop.removeEventListener('abort', destroy);
  }
}
