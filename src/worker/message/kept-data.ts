/** Above the 90 KiB of the longest encrypted message, so that such a message is kept whole and can be decrypted once its key is back. */
const MAX_CHARACTERS = 256 * 1024;
const CUT_CHARACTERS = 2048;

/** Returns what a dead letter keeps of data that isn't a message. Others wrote it: it can have any size, or be too deep for JSON. */
export function keptData(text: string): unknown {
  if (text.length > MAX_CHARACTERS) return `${text.slice(0, CUT_CHARACTERS)}… [cut, it had ${text.length} characters]`;
  const data = parsed(text);
  try {
    JSON.stringify(data);
    return data;
  } catch {
    return '[nested too deeply]';
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
