import type { Readable } from 'node:stream';
import { UnreadableInputError } from '../terminal/file-errors.ts';

/** A line of the input, counted from 1, or what keeps it from being read. */
export type InputLine = { number: number; text: string } | { number: number; problem: string };

export interface Input {
  name: string;
  stream: Readable;
}

const NEWLINE = 0x0a;
/** No request comes near it, however it is escaped. */
const MAX_LINE_BYTES = 1024 * 1024;

/**
 * The lines of a text, as soon as each is there; empty ones are counted and left out. Only `\n` and `\r\n` end a line:
 * readline would also split at U+2028, which JSON may hold as it is. Bytes that are no UTF-8 are a problem of their line,
 * never replaced in silence. A BOM is taken for what it is.
 *
 * @param input.name for the error, as the user knows it
 * @param stop ends it early; a line that was not whole by then is not given
 * @throws UnreadableInputError
 */
export async function* readLines(input: Input, stop: AbortSignal): AsyncGenerator<InputLine> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let number = 0;
  let parts: Buffer[] = [];
  let bytes = 0;

  const collect = (part: Buffer): void => {
    bytes += part.length;
    // What is too long is refused, so it isn't kept either.
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
  // A read that waits for a pipe or a terminal ends only with its stream.
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
