import type { Transform } from 'node:stream';
// As a whole: a Node that lacks one of the names would fail at this line, before anything can say that it is too old.
import * as zlib from 'node:zlib';
import { createAnswerBody } from './answer-body.ts';

/** The content of a body without its encodings. */
export interface DecodedContent {
  bytes: Uint8Array;
  /** `whole`; `cut` to `MAX_BODY_BYTES`; or `broken`: only the beginning could be decoded, or nothing. */
  state: 'whole' | 'cut' | 'broken';
}

const decoders: Record<string, (bytes: Uint8Array) => Transform> = {
  gzip: () => zlib.createGunzip(),
  'x-gzip': () => zlib.createGunzip(),
  // Some servers leave out the zlib header that HTTP asks for.
  deflate: (bytes) => (hasZlibHeader(bytes) ? zlib.createInflate() : zlib.createInflateRaw()),
  br: () => zlib.createBrotliDecompress(),
  zstd: () => zlib.createZstdDecompress(),
};

/** More encodings than any server needs; a bound for the work on one answer. */
const MOST_ENCODINGS = 3;

/** Returns the encodings in a `Content-Encoding`, in the order in which the server applied them. */
export function encodingsOf(header: string | readonly string[] | undefined): readonly string[] {
  if (header === undefined) return [];
  const names = [header].flat().join(',').toLowerCase().split(',');
  return names.map((name) => name.trim()).filter((name) => name !== '' && name !== 'identity');
}

/** Removes the encodings from a body. Never throws, and reads at most `MAX_BODY_BYTES` of the content. */
export async function decodeContent(bytes: Uint8Array, encodings: readonly string[]): Promise<DecodedContent> {
  let decoded: DecodedContent = { bytes, state: 'whole' };
  if (encodings.length > MOST_ENCODINGS) return { bytes, state: 'broken' };
  for (const encoding of encodings.toReversed()) {
    const decoder = Object.hasOwn(decoders, encoding) ? decoders[encoding] : undefined;
    if (!decoder) return { bytes, state: 'broken' };
    const { state } = decoded;
    decoded = await unpack(decoder(decoded.bytes), decoded.bytes);
    if (state !== 'whole') decoded.state = state;
  }
  return decoded;
}

async function unpack(decoder: Transform, bytes: Uint8Array): Promise<DecodedContent> {
  const content = createAnswerBody();
  decoder.end(bytes);
  try {
    for await (const chunk of decoder as AsyncIterable<Uint8Array>) {
      if (!content.add(chunk)) return { bytes: content.bytes(), state: 'cut' };
    }
    return { bytes: content.bytes(), state: 'whole' };
  } catch {
    return { bytes: content.bytes(), state: 'broken' };
  }
}

/** The two bytes of a zlib header name the method 8 and are a multiple of 31; raw deflate never begins like that. */
function hasZlibHeader([first = 0, second = 0]: Uint8Array): boolean {
  return (first & 0x0f) === 8 && ((first << 8) | second) % 31 === 0;
}
