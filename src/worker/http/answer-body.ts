/** How much of an answer's body is kept. */
export const MAX_BODY_BYTES = 1024 * 1024;

/** Collects the beginning of an answer's body. */
export interface AnswerBody {
  /** @returns `false` when the limit is reached, so that the rest need not be read. */
  add(chunk: Uint8Array): boolean;
  /** Whether the limit was reached. */
  isCut(): boolean;
  bytes(): Uint8Array;
}

export function createAnswerBody(): AnswerBody {
  const chunks: Uint8Array[] = [];
  let room = MAX_BODY_BYTES;

  return {
    add(chunk) {
      chunks.push(chunk.subarray(0, room));
      room = Math.max(0, room - chunk.length);
      return room > 0;
    },
    isCut: () => room === 0,
    bytes: () => (chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)),
  };
}
