/** The longest encrypted message has 90 KiB, and what is kept whole can be read when its key is there again. */
const MAX_CHARACTERS = 256 * 1024;
const CUT_CHARACTERS = 2048;

/** What a dead letter keeps of data that is no message. Others wrote it: it can be of any size, and deeper than JSON can be written. */
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
