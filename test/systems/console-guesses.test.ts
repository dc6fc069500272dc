import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createVisitor, startConsole } from '../support/console.ts';
import { eventually } from '../support/eventually.ts';
import { headOfForm, openRaw, statusOf } from '../support/raw-client.ts';
import { tried } from '../support/tried.ts';
import { useRedis } from '../support/use-redis.ts';

const TOKEN = 'a-token-that-nobody-guesses';
const wrong = { accept: '*/*', authorization: 'Bearer wrong' };
const right = { accept: '*/*', authorization: `Bearer ${TOKEN}` };
/** More than one client may send in five seconds. */
const FLOOD = 1100;

const used = useRedis();

/** Sends many wrong tokens at once, as the client of a proxy, and goes before they are answered. */
async function flood(url: string, client: string): Promise<void> {
  const request = `GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Forwarded-For: ${client}\r\nAuthorization: Bearer wrong\r\n\r\n`;
  const { socket } = await openRaw(url, request.repeat(FLOOD));
  await delay(200);
  socket.destroy();
}

describe('the right token', () => {
  it('gets in at once beside twelve clients at the same address that send wrong ones without a pause', async () => {
    await using desk = await startConsole({ redisUrl: used.url, consoleToken: TOKEN });
    const visitor = createVisitor(desk.url);
    const over = new AbortController();
    const guessing = Array.from({ length: 12 }, async () => {
      const statuses: number[] = [];
      while (!over.signal.aborted) statuses.push((await visitor.get('/metrics', wrong)).status);
      return statuses;
    });
    const begunAt = performance.now();
    const tookMs: number[] = [];
    while (performance.now() - begunAt < 1500) {
      const askedAt = performance.now();
      expect((await visitor.get('/workers', right)).status).toBe(200);
      expect((await createVisitor(desk.url).post('/login', { token: TOKEN })).status).toBe(303);
      tookMs.push(performance.now() - askedAt);
    }
    over.abort();
    const statuses = (await Promise.all(guessing)).flat();
    expect(new Set(statuses)).toEqual(new Set([401]));
    // Each guess was answered late.
    expect(statuses.length).toBeLessThanOrEqual(12 * 3);
    expect(tookMs.length).toBeGreaterThan(3);
    expect(Math.max(...tookMs)).toBeLessThan(800);
    // Anybody can send wrong tokens, so they do not fill the log.
    expect(desk.lines.filter((line) => line.includes('wrong token'))).toHaveLength(1);
    tried({
      against: 'console',
      input: 'clients at one address with a wrong token in a loop, the right one beside them',
      count: guessing.length,
      result: 'the right token gets in at once; at most 36 guesses, each answered with 401',
      before: 'the right token got 429',
    });
  });

  it('is not compared while a thousand wrong ones of the same client are younger than five seconds, but of another client it is', async () => {
    await using desk = await startConsole({ redisUrl: used.url, consoleToken: TOKEN, trustedProxies: '127.0.0.1' });
    const visitor = createVisitor(desk.url);
    const of = (client: string) => ({ ...right, 'x-forwarded-for': client });
    await flood(desk.url, '192.0.2.7');
    const refused = await visitor.get('/workers', of('192.0.2.7'));
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '5']);
    const login = await visitor.post('/login', { token: TOKEN }, { 'x-forwarded-for': '192.0.2.7' });
    expect(login.status).toBe(429);
    expect((await visitor.get('/workers', of('192.0.2.8'))).status).toBe(200);
    // What a client itself writes before the address that the proxy adds does not count.
    expect((await visitor.get('/workers', of('192.0.2.8, 192.0.2.7'))).status).toBe(429);
    await eventually(
      'the client may try again',
      async () => (await visitor.get('/workers', of('192.0.2.7'))).status === 200,
    );
    tried({
      against: 'console',
      input:
        'wrong tokens of one client of a trusted proxy within a second; then the right token, of this client and of another',
      count: FLOOD,
      result: '429; 200',
    });
  });

  it('of a client is not told from others by a header if no proxy is trusted', async () => {
    await using desk = await startConsole({ redisUrl: used.url, consoleToken: TOKEN });
    await flood(desk.url, '192.0.2.7');
    const visitor = createVisitor(desk.url);
    expect((await visitor.get('/workers', { ...right, 'x-forwarded-for': '192.0.2.8' })).status).toBe(429);
    tried({
      against: 'console',
      input: 'the same with another `X-Forwarded-For`, and no trusted proxy',
      count: FLOOD,
      result: '429: the header is not believed',
    });
  });

  it('is waited for by nobody: a session goes on while its client sends wrong tokens', async () => {
    await using desk = await startConsole({ redisUrl: used.url, consoleToken: TOKEN });
    const visitor = createVisitor(desk.url);
    await visitor.post('/login', { token: TOKEN });
    await flood(desk.url, '192.0.2.7');
    expect((await visitor.get('/workers')).status).toBe(200);
  });
});

it('of 400 logins that hold back their last byte no more are judged than the port has connections', async () => {
  await using desk = await startConsole({ redisUrl: used.url, consoleToken: TOKEN });
  const body = 'token=wrong';
  const clients = await Promise.all(
    Array.from({ length: 400 }, () => openRaw(desk.url, headOfForm('/login', body.length) + body.slice(0, -1))),
  );
  await eventually('most were replaced', () => clients.filter(({ socket }) => !socket.destroyed).length <= 64);
  for (const { socket } of clients) if (!socket.destroyed) socket.write(body.slice(-1));
  await eventually('the others are answered', () =>
    clients.every(({ socket, answered }) => socket.destroyed || statusOf(answered()) === 401),
  );
  const judged = clients.filter(({ answered }) => statusOf(answered()) === 401).length;
  expect(judged).toBeGreaterThan(0);
  expect(judged).toBeLessThanOrEqual(64);
  tried({
    against: 'console',
    input: 'logins that hold back their last byte, then send it',
    count: clients.length,
    result: 'at most 64 are judged',
    before: '400',
  });
  for (const { socket } of clients) socket.destroy();
});

it('a connection that says nothing is replaced by one that asks', async () => {
  await using desk = await startConsole({ redisUrl: used.url, consoleToken: TOKEN });
  const { port } = new URL(desk.url);
  const silent = Array.from({ length: 300 }, () =>
    connect({ host: '127.0.0.1', port: Number(port) }).on('error', () => {}),
  );
  for (let n = 0; n < 20; n += 1) expect((await createVisitor(desk.url).get('/healthz')).status).toBe(200);
  for (const socket of silent) socket.destroy();
  tried({
    against: 'console',
    input: 'silent connections beside 20 probes',
    count: silent.length,
    result: 'each probe is answered',
  });
});
