import { expect } from 'vitest';
import { answerText, type BrokenServer, startBrokenServer } from './broken-server.ts';

/** A server that answers 503, with a `Retry-After` and a body that is not ASCII. */
export async function startBusyServer(): Promise<BrokenServer> {
  return await startBrokenServer({
    answer: (socket) => void socket.write(answerText('503 Busy', 'giới hạn', { 'Retry-After': '7' })),
  });
}

/** What a sender brings back from it. */
export const busyExchange = {
  reachedSocket: true,
  httpStatus: 503,
  retryAfter: '7',
  date: null,
  age: null,
  contentType: null,
  body: 'giới hạn',
  bodyState: 'whole',
  failure: null,
  durationMs: expect.any(Number) as number,
};
