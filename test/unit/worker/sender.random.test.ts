import type { Socket } from 'node:net';
import { expect, it, vi } from 'vitest';
import { drawFor } from '../../../src/testing/fake-api/random.ts';
import type { Exchange } from '../../../src/worker/http/exchange.ts';
import { dispatch } from '../../../src/worker/http/dispatch.ts';
import { answerText, type BrokenServer, startBrokenServer } from './broken-server.ts';
import { kindOf, openAgent, requestTo } from './exchange-with.ts';

const REQUESTS = 300;
const AT_ONCE = 24;
const POOL = 6;

function closeLater(socket: Socket): void {
  setTimeout(() => socket.destroy(), 100);
}

/** What becomes of a request that the server has read. */
const faults: ((socket: Socket) => void)[] = [
  (socket) => socket.write(answerText('200 OK', '{"success":true}')),
  (socket) => socket.write(answerText('200 OK', '{"success":true}')),
  (socket) => socket.write(answerText('500 Oops')),
  (socket) => socket.write(answerText('400 Bad')),
  (socket) => socket.write(answerText('429 Slow', '', { 'retry-after': '1' })),
  (socket) => socket.end(answerText('200 OK', 'Ok')),
  (socket) => {
    socket.write('HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n{"succ');
    closeLater(socket);
  },
  (socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n', () => socket.resetAndDestroy()),
  (socket) => socket.write('garbage\r\n\r\n'),
  (socket) => socket.write(`${answerText('200 OK', 'Ok')}HTTP/1.1 200 OK\r\n`),
  (socket) => socket.resetAndDestroy(),
  (socket) => socket.end(),
  closeLater,
];

/** What becomes of a connection before anything was read from it. */
const greetings: ((socket: Socket) => 'taken' | 'read')[] = [
  (socket) => {
    socket.resetAndDestroy();
    return 'taken';
  },
  (socket) => {
    socket.end();
    socket.resume();
    return 'taken';
  },
  (socket) => {
    socket.once('readable', () => socket.resetAndDestroy());
    return 'taken';
  },
  (socket) => {
    socket.write(answerText('200 OK', 'too early'));
    return 'read';
  },
  ...Array.from({ length: 12 }, () => () => 'read' as const),
];

function pick<T>(choices: readonly T[], seed: number, text: string): T {
  const choice = choices[Math.floor(drawFor(seed, text) * choices.length)];
  if (choice === undefined) throw new Error('nothing to choose from');
  return choice;
}

async function sendMany(server: BrokenServer, seed: number): Promise<Exchange[]> {
  const agent = openAgent({ connections: POOL });
  const exchanges: Exchange[] = [];
  let next = 0;
  const sendOneByOne = async (): Promise<void> => {
    while (next < REQUESTS) {
      const n = next;
      next += 1;
      const draw = (what: string): number => drawFor(seed, `${what} ${n}`);
      const stop = new AbortController();
      if (draw('gives up') < 0.2) setTimeout(() => stop.abort(), draw('gives up after') * 40);
      exchanges[n] = await dispatch(
        agent,
        requestTo(server.origin, {
          body: JSON.stringify({ n, text: 'x'.repeat(draw('length') * 20_000) }),
          timeoutMs: draw('hurry') < 0.25 ? 5 + draw('time') * 60 : 20_000,
          startBefore: draw('lock') < 0.15 ? performance.now() + draw('lock left') * 20 : Infinity,
          signal: stop.signal,
        }),
      );
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, sendOneByOne));
  await agent.destroy();
  return exchanges;
}

it.each([1, 2, 3])('what a faulty server received is never called not sent (seed %i)', async (seed) => {
  const server = await startBrokenServer({
    connected: (socket, nth) => pick(greetings, seed, `connection ${nth}`)(socket),
    answer: (socket, nth) => pick(faults, seed, `request ${nth}`)(socket),
  });
  const exchanges = await sendMany(server, seed);
  await vi.waitFor(() => expect(server.connections.open).toBe(0), { timeout: 100_000 });

  const kinds = exchanges.map(kindOf);
  const received = server.received.map(({ body }) => (JSON.parse(body.toString()) as { n: number }).n);
  expect(received.filter((n) => kinds[n] === 'not-sent')).toEqual([]);
  // Nobody repeats a request unseen.
  expect(new Set(received).size).toBe(received.length);
  // The run was worth it: each kind of end came up, and often.
  for (const kind of ['delivered', 'unknown', 'not-sent']) {
    expect(kinds.filter((seen) => seen === kind).length).toBeGreaterThan(20);
  }
  expect(exchanges).toHaveLength(REQUESTS);
});
