import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { startHttpProxy, type HttpProxy, type ProxyTreatment } from '../../support/http-proxy.ts';
import type { SenderConfig } from '../../../src/worker/http/sender.ts';
import { startBrokenServer } from './broken-server.ts';
import { kindOf, openSender, sendOptions } from './exchange-with.ts';
import { judge } from './exchanges.ts';
import { selfSigned } from './self-signed.ts';

const tls = { ca: [selfSigned.cert] };

async function openProxy(): Promise<HttpProxy> {
  const proxy = await startHttpProxy();
  onTestFinished(() => proxy[Symbol.asyncDispose]());
  return proxy;
}

const through = ({ url }: { url: string }, more: Partial<SenderConfig> = {}): Partial<SenderConfig> => ({
  proxy: new URL(url),
  tls,
  ...more,
});

describe('through a proxy, an API with TLS', () => {
  it('is reached by a tunnel, which is used again, and the proxy sees neither key nor message', async () => {
    const proxy = await openProxy();
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
    const sender = openSender(server.origin, through(proxy));
    for (let i = 0; i < 3; i += 1) expect(kindOf(await sender.send('{"n":1}', sendOptions()))).toBe('delivered');
    expect(proxy.asked).toEqual([{ request: `CONNECT 127.0.0.1:${server.port}`, login: undefined }]);
    expect(server.received[0]?.head).toContain('apikey: key-1');
    expect(server.connections.total).toBe(1);
    expect(offered).toEqual([['http/1.1']]);
  });

  it('is asked for by its name, also in TLS', async () => {
    const proxy = await openProxy();
    const names: string[] = [];
    const server = await startBrokenServer({
      tls: {
        ...selfSigned,
        SNICallback(name, done) {
          names.push(name);
          done(null);
        },
      },
    });
    const sender = openSender(server.origin.replace('127.0.0.1', 'localhost'), through(proxy));
    expect(kindOf(await sender.send('{}', sendOptions()))).toBe('delivered');
    expect(names).toEqual(['localhost']);
    expect(proxy.asked[0]?.request).toBe(`CONNECT localhost:${server.port}`);
  });

  it('has no more connections than requests may run at once', async () => {
    const proxy = await openProxy();
    const server = await startBrokenServer({ tls: selfSigned });
    const sender = openSender(server.origin, through(proxy, { concurrency: 3 }));
    const exchanges = await Promise.all(Array.from({ length: 24 }, () => sender.send('{}', sendOptions())));
    expect(exchanges.map(kindOf)).toEqual(exchanges.map(() => 'delivered'));
    expect(server.connections.most).toBe(3);
  });

  it('gives the login of the URL to the proxy alone', async () => {
    const proxy = await openProxy();
    const server = await startBrokenServer({ tls: selfSigned });
    const url = proxy.url.replace('//', '//me:p%40ss@');
    expect(kindOf(await openSender(server.origin, through({ url })).send('{}', sendOptions()))).toBe('delivered');
    expect(proxy.asked[0]?.login).toBe(`Basic ${btoa('me:p@ss')}`);
    expect(server.received[0]?.head.join()).not.toMatch(/proxy/i);
  });

  it.each<[ProxyTreatment, RegExp]>([
    [403, /^no connection \(the proxy answered 403\)$/],
    [407, /^no connection \(the proxy answered 407\)$/],
    [502, /^no connection \(the proxy answered 502\)$/],
    ['page', /^no connection \(the proxy answered 403\)$/],
    ['close', /^no connection \(UND_ERR_\w+\)$/],
  ])('is not sent if the proxy does this: %s, and the next request tries again', async (treatment, detail) => {
    const proxy = await openProxy();
    const server = await startBrokenServer({ tls: selfSigned });
    const sender = openSender(server.origin, through(proxy));
    proxy.treatment = treatment;
    const exchange = await sender.send('{}', sendOptions());
    expect([kindOf(exchange), server.connections.total]).toEqual(['not-sent', 0]);
    expect(judge(exchange).detail).toMatch(detail);
    proxy.treatment = 'pass';
    expect(kindOf(await sender.send('{}', sendOptions()))).toBe('delivered');
  });

  it('is not sent if the proxy is down', async () => {
    const proxy = await startHttpProxy();
    await proxy[Symbol.asyncDispose]();
    const server = await startBrokenServer({ tls: selfSigned });
    const exchange = await openSender(server.origin, through(proxy)).send('{}', sendOptions());
    expect([kindOf(exchange), server.connections.total]).toEqual(['not-sent', 0]);
  });

  it('is not sent if the proxy gives no answer, and a later request gets through', async () => {
    const proxy = await openProxy();
    const server = await startBrokenServer({ tls: selfSigned });
    const sender = openSender(server.origin, through(proxy, { timeoutMs: 300 }));
    proxy.treatment = 'hang';
    expect(kindOf(await sender.send('{}', sendOptions()))).toBe('not-sent');
    proxy.treatment = 'pass';
    await expect
      .poll(async () => kindOf(await sender.send('{}', sendOptions())), { timeout: 60_000 })
      .toBe('delivered');
  });

  it('is not sent if the certificate behind the tunnel is not trusted', async () => {
    const proxy = await openProxy();
    const server = await startBrokenServer({ tls: selfSigned });
    const exchange = await openSender(server.origin, through(proxy, { tls: {} })).send('{}', sendOptions());
    expect([kindOf(exchange), server.received]).toEqual(['not-sent', []]);
  });

  it('is unknown if the tunnel breaks after the request went out', async () => {
    const proxy = await openProxy();
    const server = await startBrokenServer({ tls: selfSigned, answer: (socket) => socket.destroy() });
    expect(kindOf(await openSender(server.origin, through(proxy)).send('{}', sendOptions()))).toBe('unknown');
  });
});

describe('through a proxy, idle connections', () => {
  it.each([
    ['with TLS', selfSigned],
    ['without TLS', undefined],
  ])('to an API %s are closed in time, and with 0 at once', async (_what, itsTls) => {
    const proxy = await openProxy();
    const server = await startBrokenServer(itsTls ? { tls: itsTls } : {});
    const sender = openSender(server.origin, through(proxy, { keepAliveMs: 300 }));
    for (let i = 0; i < 2; i += 1) expect(kindOf(await sender.send('{}', sendOptions()))).toBe('delivered');
    expect(proxy.connections.total).toBe(1);
    await vi.waitFor(() => expect(proxy.connections.open).toBe(0), { timeout: 30_000 });

    const brief = openSender(server.origin, through(proxy, { keepAliveMs: 0 }));
    for (let i = 0; i < 2; i += 1) expect(kindOf(await brief.send('{}', sendOptions()))).toBe('delivered');
    expect(proxy.connections.total).toBe(3);
  });
});

describe('through a proxy, an API without TLS', () => {
  it('gets the request as it is, over connections that are used again', async () => {
    const proxy = await openProxy();
    const server = await startBrokenServer();
    const sender = openSender(server.origin, through(proxy, { concurrency: 2 }));
    const exchanges = await Promise.all(Array.from({ length: 10 }, () => sender.send('{"n":1}', sendOptions())));
    expect(exchanges.map(kindOf)).toEqual(exchanges.map(() => 'delivered'));
    expect(proxy.asked[0]).toEqual({ request: `POST ${server.origin}/send`, login: undefined });
    const [{ head, body } = { head: [], body: null }] = server.received;
    expect(head).toContain('apikey: key-1');
    expect(head).toContain(`host: 127.0.0.1:${server.port}`);
    expect(String(body)).toBe('{"n":1}');
  });

  it('has not answered if the proxy answers with a page of its own', async () => {
    const proxy = await openProxy();
    proxy.treatment = 'page';
    const server = await startBrokenServer();
    const exchange = await openSender(server.origin, through(proxy)).send('{}', sendOptions());
    expect(judge(exchange)).toMatchObject({
      kind: 'unknown',
      detail: 'HTTP 200 with an HTML page instead of an answer of the API',
    });
    expect(server.connections.total).toBe(0);
  });

  it('is not reached if the proxy wants a login', async () => {
    const proxy = await openProxy();
    proxy.treatment = 407;
    const server = await startBrokenServer();
    const exchange = await openSender(server.origin, through(proxy)).send('{}', sendOptions());
    expect(judge(exchange)).toMatchObject({ kind: 'not-sent', detail: 'no connection (the proxy answered 407)' });
  });
});
