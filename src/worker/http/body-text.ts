import { TextDecoder } from 'node:util';

const utf8 = new TextDecoder();
const utf16le = new TextDecoder('utf-16le');
const utf16be = new TextDecoder('utf-16be');

const CHARSET = /;\s*charset\s*=\s*["']?([^\s"';,]+)/i;

/**
 * Returns the text of a body. What the bytes show counts more than the charset that the content type names: a byte order mark, or the
 * zero bytes of UTF-16, which JSON in any other charset doesn't have. Decoders remove byte order marks, which JSON.parse refuses.
 */
export function textOf(bytes: Uint8Array, contentType: string | null): string {
  return decoderFor(bytes, contentType).decode(bytes);
}

function decoderFor(bytes: Uint8Array, contentType: string | null): TextDecoder {
  const [first, second] = bytes;
  if (second === undefined) return utf8;
  if (second === 0 ? first !== 0 : first === 0xff && second === 0xfe) return utf16le;
  if (first === 0 ? second !== 0 : first === 0xfe && second === 0xff) return utf16be;
  const hasUtf8Mark = first === 0xef && second === 0xbb && bytes[2] === 0xbf;
  if (contentType === null || hasUtf8Mark) return utf8;
  const charset = charsetIn(contentType);
  return charset === null ? utf8 : namedDecoder(charset, bytes);
}

/** Cache for the content type that was read last, which the next answer mostly has as well. */
let last: { contentType: string; charset: string | null } = { contentType: '', charset: null };

/** Returns the charset that a content type names; `null` for UTF-8. */
function charsetIn(contentType: string): string | null {
  if (last.contentType !== contentType) {
    const charset = CHARSET.exec(contentType)?.[1] ?? 'utf-8';
    last = { contentType, charset: /^utf-?8$/i.test(charset) ? null : charset };
  }
  return last.charset;
}

function namedDecoder(charset: string, bytes: Uint8Array): TextDecoder {
  try {
    const named = new TextDecoder(charset);
    // UTF-16 is often named by mistake; without a zero byte, its text would have no letter or digit of ASCII.
    return named.encoding.startsWith('utf-16') && !bytes.includes(0) ? utf8 : named;
  } catch {
    // No such charset: a mistake such as "utf8mb4", and most of those texts are UTF-8.
    return utf8;
  }
}
