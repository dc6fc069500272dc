import type { Socket } from 'node:net';
import { describe, expect, it, vi } from 'vitest';
import { answerText, type BrokenServer, type BrokenServerOptions, startBrokenServer } from './broken-server.ts';
import { kindOf, openSender, sendOptions } from './exchange-with.ts';

/** A server that never closes a connection, and how long each was idle until the client closed it. */
async function startPatientServer(
  answer?: BrokenServerOptions['answer'],
): Promise<BrokenServer & { idleMs: number[] }> {
  const idleMs: number[] = [];
  const lastAt = new Map<Socket, number>();
  const server = await startBrokenServer({
    answer(socket, nth, request) {
      const idleSince = (): number => performance.now() - (lastAt.get(socket) ?? 0);
      if (!lastAt.has(socket)) socket.on('close', () => idleMs.push(idleSince()));
      (answer ?? ((to) => void to.write(answerText('200 OK'))))(socket, nth, request);
      lastAt.set(socket, performance.now());
    },
  });
  return { ...server, idleMs };
}

const announcing = (keepAlive: string) => (socket: Socket) =>
  void socket.write(answerText('200 OK', '', { 'keep-alive': keepAlive }));

describe('an idle connection', () => {
  it.each([
    ['the default', 1000, 500],
    ['a long time', 1600, 800],
    ['a short time', 200, 100],
    ['a ms', 1, 1],
  ])('is closed well before keepAliveMs: %s', async (_what, keepAliveMs, idleMs) => {
    const server = await startPatientServer();
    const sender = openSender(server.origin, { keepAliveMs });
    for (let i = 0; i < 2; i += 1) expect(kindOf(await sender.send('{}', sendOptions()))).toBe('delivered');
    expect(server.connections.total).toBeLessThanOrEqual(keepAliveMs > 1 ? 1 : 2);
    await vi.waitFor(() => expect(server.connections.open).toBe(0), { timeout: 100_000 });
    expect(Math.max(...server.idleMs)).toBeGreaterThanOrEqual(idleMs - 5);
    // A timer is late on a busy machine, but not early.
    if (keepAliveMs >= 1000) expect(Math.min(...server.idleMs)).toBeLessThan(keepAliveMs);
  });

  it('is closed earlier where the server announces a shorter time', async () => {
    const server = await startPatientServer(announcing('timeout=1, max=100'));
    const sender = openSender(server.origin, { keepAliveMs: 60_000 });
    await sender.send('{}', sendOptions());
    await vi.waitFor(() => expect(server.connections.open).toBe(0), { timeout: 100_000 });
    expect(server.idleMs[0]).toBeGreaterThan(450);
  });

  it('is not kept longer where the server announces a longer time', async () => {
    const server = await startPatientServer(announcing('timeout=60'));
    await openSender(server.origin, { keepAliveMs: 200 }).send('{}', sendOptions());
    await vi.waitFor(() => expect(server.connections.open).toBe(0), { timeout: 30_000 });
  });

  it('is not used again where the server announces no time at all', async () => {
    const server = await startPatientServer(announcing('timeout=0'));
    const sender = openSender(server.origin);
    for (let i = 0; i < 3; i += 1) expect(kindOf(await sender.send('{}', sendOptions()))).toBe('delivered');
    expect(server.connections.total).toBe(3);
  });

  it('does not exist with 0: each request gets a connection, and says that it is the last on it', async () => {
    const server = await startPatientServer();
    const sender = openSender(server.origin, { keepAliveMs: 0, concurrency: 2 });
    const exchanges = await Promise.all(Array.from({ length: 6 }, () => sender.send('{}', sendOptions())));
    expect(exchanges.map(kindOf)).toEqual(exchanges.map(() => 'delivered'));
    expect(server.connections.total).toBe(6);
    expect(server.received.map(({ head }) => head.find((line) => line.startsWith('connection')))).toEqual(
      exchanges.map(() => 'connection: close'),
    );
  });
});
