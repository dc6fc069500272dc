import { getEventListeners } from 'node:events';
import { describe, expect, it, vi } from 'vitest';
import { dispatch } from '../../../src/worker/http/dispatch.ts';
import { answerText, startBrokenServer } from './broken-server.ts';
import { kindOf, openAgent, openSender, requestTo, sendOptions } from './exchange-with.ts';

const abortedFailure = { kind: 'aborted' };

describe('giving a request up', () => {
  it('before it begins sends nothing, and the next one comes through', async () => {
    const server = await startBrokenServer();
    const sender = openSender(server.origin);
    const signal = AbortSignal.abort();
    const exchange = await sender.send('{"n":"late"}', sendOptions({ signal }));
    expect(exchange).toMatchObject({ reachedSocket: false, httpStatus: null, failure: abortedFailure });
    expect(kindOf(exchange)).toBe('not-sent');
    expect(getEventListeners(signal, 'abort')).toEqual([]);
    expect(kindOf(await sender.send('{"n":1}', sendOptions()))).toBe('delivered');
    expect(server.received.map(({ body }) => body.toString())).toEqual(['{"n":1}']);
  });

  it('while it connects sends nothing', async () => {
    const server = await startBrokenServer({ connected: () => 'taken' });
    const sender = openSender(`https://127.0.0.1:${server.port}`);
    const stop = new AbortController();
    const sending = sender.send('{}', sendOptions({ signal: stop.signal }));
    await vi.waitFor(() => expect(server.connections.total).toBe(1), { timeout: 100_000 });
    stop.abort();
    const exchange = await sending;
    expect(exchange).toMatchObject({ reachedSocket: false, failure: abortedFailure });
    expect(kindOf(exchange)).toBe('not-sent');
    expect(getEventListeners(stop.signal, 'abort')).toEqual([]);
  });

  it('in mid-request is unknown, and closes the connection', async () => {
    const server = await startBrokenServer({
      answer: (socket, nth) => void (nth > 1 && socket.write(answerText('200 OK'))),
    });
    const sender = openSender(server.origin);
    const stop = new AbortController();
    const sending = sender.send('{}', sendOptions({ signal: stop.signal }));
    await vi.waitFor(() => expect(server.received).toHaveLength(1), { timeout: 100_000 });
    stop.abort();
    const exchange = await sending;
    expect(exchange).toMatchObject({ reachedSocket: true, httpStatus: null, failure: abortedFailure });
    expect(kindOf(exchange)).toBe('unknown');
    expect(getEventListeners(stop.signal, 'abort')).toEqual([]);
    await vi.waitFor(() => expect(server.connections.open).toBe(0), { timeout: 100_000 });
    expect(kindOf(await sender.send('{}', sendOptions()))).toBe('delivered');
  });

  it('after the headers leaves it delivered, with what was read of the body', async () => {
    const server = await startBrokenServer({
      answer: (socket) => void socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"succ'),
    });
    const stop = new AbortController();
    const agent = openAgent().compose((sendOn) => (options, handler) => {
      const read = handler.onResponseData?.bind(handler);
      const onResponseData: typeof handler.onResponseData = (controller, chunk) => {
        read?.(controller, chunk);
        stop.abort();
      };
      return sendOn(options, Object.assign(handler, { onResponseData }));
    });
    const exchange = await dispatch(agent, requestTo(server.origin, { signal: stop.signal }));
    expect(exchange).toMatchObject({ httpStatus: 200, body: '{"succ', failure: abortedFailure });
    expect(kindOf(exchange)).toBe('delivered');
    expect(getEventListeners(stop.signal, 'abort')).toEqual([]);
    await vi.waitFor(() => expect(server.connections.open).toBe(0), { timeout: 100_000 });
  });

  it('after its end changes nothing', async () => {
    const server = await startBrokenServer();
    const sender = openSender(server.origin);
    const stop = new AbortController();
    const exchange = await sender.send('{}', sendOptions({ signal: stop.signal }));
    expect(getEventListeners(stop.signal, 'abort')).toEqual([]);
    const before = structuredClone(exchange);
    stop.abort();
    expect(exchange).toEqual(before);
    expect(kindOf(await sender.send('{}', sendOptions()))).toBe('delivered');
    expect(server.connections.total).toBe(1);
  });

  it('leaves the other requests of the same signal and pool as they were', async () => {
    const server = await startBrokenServer();
    const sender = openSender(server.origin, { concurrency: 2 });
    const { signal } = new AbortController();
    await Promise.all(Array.from({ length: 20 }, () => sender.send('{}', sendOptions({ signal }))));
    expect(getEventListeners(signal, 'abort')).toEqual([]);
    expect(server.received).toHaveLength(20);
  });
});

describe('a result', () => {
  it('does not change after it was given', async () => {
    const server = await startBrokenServer({
      answer(socket) {
        socket.write('HTTP/1.1 200 OK\r\ncontent-length: 10000\r\n\r\n');
        const drip = setInterval(() => socket.write('x'), 2);
        socket.on('close', () => clearInterval(drip));
      },
    });
    const exchange = await openSender(server.origin, { timeoutMs: 50 }).send('{}', sendOptions());
    const before = structuredClone(exchange);
    await vi.waitFor(() => expect(server.connections.open).toBe(0), { timeout: 100_000 });
    expect(exchange).toEqual(before);
  });
});
