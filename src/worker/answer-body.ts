/** What is kept of an answer's body. */
export const MAX_BODY_BYTES = 64 * 1024;

/** The beginning of an answer's body, as it comes in. */
export interface AnswerBody {
  /** @returns `false` when no more is kept: the rest need not be read. */
  add(chunk: Uint8Array): boolean;
  text(): string;
}

/** It leaves out the byte order mark that some servers begin with, and that JSON.parse refuses. */
const decoder = new TextDecoder();

export function createAnswerBody(): AnswerBody {
  const chunks: Uint8Array[] = [];
  let room = MAX_BODY_BYTES;

  return {
    add(chunk) {
      chunks.push(chunk.subarray(0, room));
      room = Math.max(0, room - chunk.length);
      return room > 0;
    },
    text: () => decoder.decode(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)),
  };
}
