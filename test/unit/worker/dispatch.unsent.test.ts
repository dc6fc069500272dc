import { once } from 'node:events';
import { createServer } from 'node:net';
import { buildConnector } from 'undici';
import { describe, expect, it, vi } from 'vitest';
import { listen } from '../../../src/testing/fake-api/listen.ts';
import { dispatch } from '../../../src/worker/http/dispatch.ts';
import { answerText, startBrokenServer } from './broken-server.ts';
import { expectNotSent, kindOf, openAgent, openSender, requestTo, sendOptions } from './exchange-with.ts';
import { selfSigned } from './self-signed.ts';

async function unusedPort(): Promise<number> {
  const server = createServer();
  const port = await listen(server, '127.0.0.1', 0);
  server.close();
  await once(server, 'close');
  return port;
}

describe('a request that never got a connection', () => {
  it('is not sent when the port refuses', async () => {
    const exchange = await openSender(`http://127.0.0.1:${await unusedPort()}`).send('{}', sendOptions());
    expectNotSent(exchange, { kind: 'connection', code: 'ECONNREFUSED' });
  });

  it('is not sent when the name is not known', async () => {
    const exchange = await openSender('http://nonexistent.invalid').send('{}', sendOptions());
    expect(exchange).toMatchObject({ reachedSocket: false, httpStatus: null });
    expect(kindOf(exchange)).toBe('not-sent');
  });

  it('is not sent when we refuse the certificate', async () => {
    const server = await startBrokenServer({ tls: selfSigned });
    const exchange = await openSender(server.origin).send('{}', sendOptions());
    expect(exchange).toMatchObject({ failure: { kind: 'connection', code: 'DEPTH_ZERO_SELF_SIGNED_CERT' } });
    expect(kindOf(exchange)).toBe('not-sent');
    expect(server.received).toEqual([]);
  });

  it('is not sent when the TLS handshake is reset, although the code is that of a reset after the request', async () => {
    const server = await startBrokenServer({
      connected(socket) {
        socket.on('data', () => socket.resetAndDestroy());
        return 'taken';
      },
    });
    const exchange = await openSender(`https://127.0.0.1:${server.port}`).send('{}', sendOptions());
    expectNotSent(exchange, { kind: 'connection', code: 'ECONNRESET' });
  });

  it('is not sent when the TLS handshake meets no TLS', async () => {
    const server = await startBrokenServer({
      connected(socket) {
        socket.on('data', () => socket.end(answerText('400 Bad Request')));
        return 'taken';
      },
    });
    const exchange = await openSender(`https://127.0.0.1:${server.port}`).send('{}', sendOptions());
    expect(exchange).toMatchObject({ reachedSocket: false, httpStatus: null, failure: { kind: 'connection' } });
    expect(kindOf(exchange)).toBe('not-sent');
  });

  it('is not sent when the TLS handshake does not end in time', async () => {
    const server = await startBrokenServer({ connected: () => 'taken' });
    const sender = openSender(`https://127.0.0.1:${server.port}`, { timeoutMs: 100 });
    const exchange = await sender.send('{}', sendOptions());
    expectNotSent(exchange, { kind: 'timeout' });
  });

  it('is not sent when the connection comes too late, nor then', async () => {
    const server = await startBrokenServer();
    const connector = lateConnector();
    const agent = openAgent({ connect: connector.connect });
    const exchange = await dispatch(agent, requestTo(server.origin, { timeoutMs: 50, body: '{"n":"late"}' }));
    expectNotSent(exchange, { kind: 'timeout' });
    connector.letThrough();
    expect(kindOf(await dispatch(agent, requestTo(server.origin)))).toBe('delivered');
    expect(server.received.map(({ body }) => body.toString())).toEqual(['{"n":1}']);
  });
});

describe('a request that waits for a socket', () => {
  async function busyPool() {
    const answers: (() => void)[] = [];
    const server = await startBrokenServer({
      answer: (socket) => answers.push(() => socket.write(answerText('200 OK'))),
    });
    const agent = openAgent();
    const first = dispatch(agent, requestTo(server.origin, { body: '{"n":"first"}' }));
    await vi.waitFor(() => expect(answers).toHaveLength(1), { timeout: 100_000 });
    const answerAll = async (): Promise<void> => {
      answers[0]?.();
      expect(kindOf(await first)).toBe('delivered');
      const last = dispatch(agent, requestTo(server.origin, { body: '{"n":"last"}' }));
      await vi.waitFor(() => expect(answers).toHaveLength(2), { timeout: 100_000 });
      answers[1]?.();
      expect(kindOf(await last)).toBe('delivered');
    };
    return { server, agent, answerAll };
  }

  it('until its deadline is not sent, and nothing of it arrives later', async () => {
    const { server, agent, answerAll } = await busyPool();
    const exchange = await dispatch(agent, requestTo(server.origin, { timeoutMs: 50, body: '{"n":"late"}' }));
    expectNotSent(exchange, { kind: 'timeout' });
    await answerAll();
    expect(server.received.map(({ body }) => body.toString())).toEqual(['{"n":"first"}', '{"n":"last"}']);
  });

  it('until we give it up is not sent, and nothing of it arrives later', async () => {
    const { server, agent, answerAll } = await busyPool();
    const stop = new AbortController();
    const waiting = dispatch(agent, requestTo(server.origin, { signal: stop.signal, body: '{"n":"late"}' }));
    stop.abort();
    const exchange = await waiting;
    expectNotSent(exchange, { kind: 'aborted' });
    await answerAll();
    expect(server.received.map(({ body }) => body.toString())).toEqual(['{"n":"first"}', '{"n":"last"}']);
  });

  it('until the lock is too short is not sent', async () => {
    const { server, agent, answerAll } = await busyPool();
    const startBefore = performance.now() + 20;
    const waiting = dispatch(agent, requestTo(server.origin, { startBefore, body: '{"n":"late"}' }));
    await vi.waitFor(() => expect(performance.now()).toBeGreaterThan(startBefore), { timeout: 100_000 });
    await answerAll();
    const exchange = await waiting;
    expectNotSent(exchange, { kind: 'lock-too-short' });
    expect(server.received.map(({ body }) => body.toString())).toEqual(['{"n":"first"}', '{"n":"last"}']);
  });
});

describe('a request that must not begin any more', () => {
  it('is not sent when the lock is too short, and the next one comes through', async () => {
    const server = await startBrokenServer();
    const sender = openSender(server.origin);
    const exchange = await sender.send('{"n":"late"}', sendOptions({ startBefore: performance.now() - 1 }));
    expectNotSent(exchange, { kind: 'lock-too-short' });
    expect(kindOf(await sender.send('{"n":1}', sendOptions()))).toBe('delivered');
    expect(server.received.map(({ body }) => body.toString())).toEqual(['{"n":1}']);
  });
});

/** Connects only when it is let through. */
function lateConnector(): { connect: buildConnector.connector; letThrough: () => void } {
  const gate = Promise.withResolvers<void>();
  const connectNow = buildConnector({ allowH2: false });
  return {
    connect: (options, callback) => void gate.promise.then(() => connectNow(options, callback)),
    letThrough: () => gate.resolve(),
  };
}
