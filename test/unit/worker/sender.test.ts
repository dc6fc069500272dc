import { describe, expect, it, vi } from 'vitest';
import { answerText, startBrokenServer } from './broken-server.ts';
import { busyExchange, startBusyServer } from './busy-server.ts';
import { kindOf, openSender, sendOptions } from './exchange-with.ts';
import { selfSigned } from './self-signed.ts';

const request = JSON.stringify({
  pageId: 'p1',
  conversationId: 'c/1',
  message: { type: 'text', text: 'Xin chào\n👋 \ud800' },
});

describe('a request on the wire', () => {
  it('is one POST to the whole endpoint with the key, the types and exactly the given bytes', async () => {
    const server = await startBrokenServer();
    const sender = openSender('', { apiUrl: `${server.origin}/kitechat/send-message?v=2&from=a%20b#top` });
    await sender.send(request, sendOptions({ apiKey: 'k-Secret_1' }));
    const [{ head, body } = { head: [], body: Buffer.alloc(0) }] = server.received;
    expect(head.map((line, index) => (index === 0 ? line : line.toLowerCase()))).toEqual([
      'POST /kitechat/send-message?v=2&from=a%20b HTTP/1.1',
      `host: 127.0.0.1:${server.port}`,
      'connection: keep-alive',
      'content-type: application/json',
      'accept: application/json, text/plain',
      'apikey: k-secret_1',
      `content-length: ${Buffer.byteLength(request)}`,
    ]);
    expect(head).toContain('apikey: k-Secret_1');
    expect(body).toEqual(Buffer.from(request));
    expect(server.received).toHaveLength(1);
  });

  it('carries 64 KiB whole', async () => {
    const server = await startBrokenServer();
    const big = JSON.stringify({ text: 'ế'.repeat(21_000) });
    expect(kindOf(await openSender(server.origin).send(big, sendOptions()))).toBe('delivered');
    expect(server.received[0]?.body.toString()).toBe(big);
  });

  it('brings back status, Retry-After and body', async () => {
    const server = await startBusyServer();
    const exchange = await openSender(server.origin).send(request, sendOptions());
    expect(exchange).toEqual(busyExchange);
  });

  it('takes the first of several Retry-After', async () => {
    const answer = 'HTTP/1.1 429 Slow\r\nretry-after: 3\r\nRetry-After: 9\r\ncontent-length: 0\r\n\r\n';
    const server = await startBrokenServer({ answer: (socket) => void socket.write(answer) });
    expect((await openSender(server.origin).send(request, sendOptions())).retryAfter).toBe('3');
  });

  it('reads an answer that begins with a byte order mark, as some servers write them', async () => {
    const server = await startBrokenServer({
      answer: (socket) => void socket.write(answerText('200 OK', '\uFEFF{"success":false}')),
    });
    expect(kindOf(await openSender(server.origin).send(request, sendOptions()))).toBe('rejected');
  });
});

describe('a redirect', () => {
  it.each([301, 302, 303, 307, 308])('of %i is not followed, and the key goes nowhere else', async (status) => {
    const elsewhere = await startBrokenServer();
    const server = await startBrokenServer({
      answer: (socket) =>
        void socket.write(answerText(`${status} Moved`, '', { location: `${elsewhere.origin}/send` })),
    });
    const exchange = await openSender(server.origin).send(request, sendOptions());
    expect([exchange.httpStatus, kindOf(exchange)]).toEqual([status, 'unknown']);
    expect(server.received).toHaveLength(1);
    expect(elsewhere.connections.total).toBe(0);
  });
});

describe('connections', () => {
  it('are used again', async () => {
    const server = await startBrokenServer();
    const sender = openSender(server.origin);
    for (let i = 0; i < 5; i += 1) expect(kindOf(await sender.send(request, sendOptions()))).toBe('delivered');
    expect(server.connections.total).toBe(1);
  });

  it('are never more than requests may run at once', async () => {
    const server = await startBrokenServer();
    const sender = openSender(server.origin, { concurrency: 3 });
    const exchanges = await Promise.all(Array.from({ length: 24 }, () => sender.send(request, sendOptions())));
    expect(exchanges.map(kindOf)).toEqual(exchanges.map(() => 'delivered'));
    expect(server.received).toHaveLength(24);
    expect(server.connections.most).toBe(3);
  });

  it('are made anew when the server has closed an idle one', async () => {
    const server = await startBrokenServer({
      answer: (socket) => void socket.end(answerText('200 OK')),
    });
    const sender = openSender(server.origin);
    for (let i = 0; i < 3; i += 1) {
      expect(kindOf(await sender.send(request, sendOptions()))).toBe('delivered');
      await vi.waitFor(() => expect(server.connections.open).toBe(0), { timeout: 100_000 });
    }
    expect(server.connections.total).toBe(3);
  });

  it('speak HTTP/1.1 only: over HTTP/2 requests are repeated unseen', async () => {
    const offered: string[][] = [];
    const server = await startBrokenServer({
      tls: {
        ...selfSigned,
        ALPNCallback({ protocols }) {
          offered.push(protocols);
          return 'http/1.1';
        },
      },
    });
    await openSender(server.origin).send(request, sendOptions());
    expect(offered).toEqual([['http/1.1']]);
  });
});

describe('closing a sender', () => {
  it('ends what is open as unknown, what waits as not sent, and closes all connections', async () => {
    const server = await startBrokenServer({ answer: () => {} });
    const sender = openSender(server.origin);
    const open = sender.send(request, sendOptions());
    const waiting = sender.send(request, sendOptions());
    await vi.waitFor(() => expect(server.received).toHaveLength(1), { timeout: 100_000 });
    await sender.close();
    expect([kindOf(await open), kindOf(await waiting)]).toEqual(['unknown', 'not-sent']);
    await vi.waitFor(() => expect(server.connections.open).toBe(0), { timeout: 100_000 });
    expect(server.received).toHaveLength(1);
  });

  it('lets nothing be sent afterwards', async () => {
    const server = await startBrokenServer();
    const sender = openSender(server.origin);
    await sender.close();
    expect(kindOf(await sender.send(request, sendOptions()))).toBe('not-sent');
    expect(server.connections.total).toBe(0);
  });
});
