/** The longest encrypted message has 90 KiB, and what is kept whole can be read when its key is there again. */
const MAX_CHARACTERS = 256 * 1024;
const CUT_CHARACTERS = 2048;

/** What a dead letter keeps of data that is no message. Others wrote it: it can be of any size, and deeper than JSON can be written. */
export function keptData(data: unknown): unknown {
  const json = jsonOf(data);
  if (json === null) return '[nested too deeply]';
  return json.length <= MAX_CHARACTERS
    ? data
    : `${json.slice(0, CUT_CHARACTERS)}… [cut, it had ${json.length} characters]`;
}

function jsonOf(data: unknown): string | null {
  try {
    return JSON.stringify(data ?? null);
  } catch {
    return null;
  }
}
