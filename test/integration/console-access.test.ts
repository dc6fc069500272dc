import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createVisitor, startConsole, type TestConsole } from '../support/console.ts';
import { tried } from '../support/tried.ts';
import { useRedis } from '../support/use-redis.ts';

const TOKEN = 'a-token-that-nobody-guesses';
const VIEWS = [
  '/',
  '/pages',
  '/pages/p1',
  '/workers',
  '/dead-letters',
  '/dead-letters/job',
  '/find',
  '/queues',
  '/traffic.json',
];
const CHANGES = [
  '/hold',
  '/release',
  '/cancel',
  '/dead-letters/start',
  '/dead-letters/job/stop',
  '/dead-letters/x/discard',
];

const used = useRedis();
let open: TestConsole;
let closed: TestConsole;
beforeAll(async () => {
  open = await startConsole({ redisUrl: used.url });
  closed = await startConsole({ redisUrl: used.url, consoleToken: TOKEN });
});
afterAll(async () => {
  await open[Symbol.asyncDispose]();
  await closed[Symbol.asyncDispose]();
});

describe('with a token', () => {
  it.each([...VIEWS, '/metrics', '/queues/api/queues', '/assets/x/console.css', '/no-such-page'])(
    'nobody without it gets anything of %s but a 401',
    async (path) => {
      const answers = [
        await createVisitor(closed.url).get(path, { accept: '*/*' }),
        await createVisitor(closed.url).get(path, { accept: '*/*', authorization: 'Basic eDp5' }),
        await createVisitor(closed.url).get(path, { accept: '*/*', cookie: `kitechat_session=${TOKEN}` }),
      ];
      for (const { status, text, headers } of answers) {
        expect({ status, text }).toEqual({ status: 401, text: '401: a token is needed\n' });
        expect(headers.get('set-cookie')).toBeNull();
      }
    },
  );

  it('browsers get a bare form for it, which needs nothing else', async () => {
    const { status, text, headers } = await createVisitor(closed.url).get('/pages?x=1');
    expect(status).toBe(401);
    expect(text).toContain('name="token"');
    expect(text).toContain('value="/pages?x=1"');
    expect(text).not.toMatch(/src=|stylesheet|kitechat/);
    expect(headers.get('content-security-policy')).toContain("default-src 'none'");
  });

  it('tools get in with the bearer token', async () => {
    const visitor = createVisitor(closed.url);
    const headers = { authorization: `Bearer ${TOKEN}` };
    expect((await visitor.get('/', headers)).status).toBe(200);
    expect((await visitor.get('/metrics', headers)).status).toBe(200);
    expect((await visitor.post('/release', { scope: 'page', page: 'p1' }, headers)).status).toBe(303);
  });

  it('a wrong token is answered late, a right one beside it at once', async () => {
    const visitor = createVisitor(closed.url);
    const begun = performance.now();
    const wrong = Array.from({ length: 14 }, () => visitor.get('/', { accept: '*/*', authorization: 'Bearer wrong' }));
    expect((await visitor.get('/', { authorization: `Bearer ${TOKEN}` })).status).toBe(200);
    expect(performance.now() - begun).toBeLessThan(900);
    expect((await Promise.all(wrong)).map(({ status }) => status)).toEqual(wrong.map(() => 401));
    expect(performance.now() - begun).toBeGreaterThan(900);
  });

  it('the login sets a cookie that only this site gets, and goes on to where it was asked for', async () => {
    const visitor = createVisitor(closed.url);
    const wrong = await visitor.post('/login', { token: 'wrong', next: '/pages' });
    expect(wrong.status).toBe(401);
    expect(wrong.headers.get('set-cookie')).toBeNull();
    const right = await visitor.post('/login', { token: TOKEN, next: '/pages' });
    expect([right.status, right.location]).toEqual([303, '/pages']);
    const cookie = right.headers.get('set-cookie') ?? '';
    expect(cookie).toMatch(/^kitechat_session_\d+=/);
    expect(cookie.split('; ').slice(1).toSorted()).toEqual(['HttpOnly', 'Max-Age=43200', 'Path=/', 'SameSite=Strict']);
    expect(cookie).not.toContain(TOKEN);
    expect((await visitor.follow(right)).status).toBe(200);
    expect((await visitor.post('/logout')).status).toBe(303);
    expect((await visitor.get('/pages')).status).toBe(401);
  });

  it.each([
    [{ 'x-forwarded-proto': 'https' }, true],
    [{ 'x-forwarded-proto': 'https, http' }, true],
    [{ forwarded: 'for=10.0.0.1;proto=https' }, true],
    [{ 'x-forwarded-proto': 'http' }, false],
    [{}, false],
  ])('the cookie of a login with %o is for https alone: %s', async (headers: Record<string, string>, isSecure) => {
    const { headers: answer } = await createVisitor(closed.url).post('/login', { token: TOKEN }, headers);
    expect(answer.get('set-cookie')?.includes('; Secure')).toBe(isSecure);
  });

  it('the form of a login takes the longest token, and leaves out where a long address led to', async () => {
    const token = '%'.repeat(1024);
    await using desk = await startConsole({ redisUrl: used.url, consoleToken: token });
    const visitor = createVisitor(desk.url);
    const [short, long] = [`/find?page=${'p'.repeat(700)}`, `/find?page=${'p'.repeat(1000)}`];
    expect((await visitor.get(short)).text).toContain(`value="${short}"`);
    expect((await visitor.get(long)).text).toContain('name="next" value="/"');
    expect((await visitor.post('/login', { token, next: short })).location).toBe(short);
  });

  it.each(['//evil.example', 'https://evil.example', '/\\evil.example', 'javascript:alert(1)'])(
    'a login does not lead to %s',
    async (next) => {
      expect((await createVisitor(closed.url).post('/login', { token: TOKEN, next })).location).toBe('/');
    },
  );

  it('a cookie of another console, or a changed one, is none', async () => {
    const visitor = createVisitor(closed.url);
    const cookie = (await visitor.post('/login', { token: TOKEN })).headers.get('set-cookie')?.split(';')[0] ?? '';
    const last = cookie.at(-1) === 'A' ? 'B' : 'A';
    const forged = [cookie.slice(0, -1) + last, cookie.replace('=1', '=2'), cookie.replace(/=.*/, '=x')];
    for (const one of forged) expect((await createVisitor(closed.url).get('/', { cookie: one })).status).toBe(401);
    expect((await createVisitor(closed.url).get('/', { cookie })).status).toBe(200);
  });
});

describe('without a token', () => {
  it.each([
    ['127.0.0.1:7070', 200],
    ['localhost', 200],
    ['LOCALHOST:80', 200],
    ['[::1]:7070', 200],
    ['console.localhost:7070', 200],
    ['evil.example', 403],
    ['127.0.0.1.evil.example', 403],
    ['localhost.evil.example:7070', 403],
    ['10.0.0.5', 403],
    ['', 400],
  ])('a request for the host "%s" is answered with %i', async (host, expected) => {
    expect(await statusForHost(open.url, host)).toBe(expected);
  });

  it.each([
    ['Forwarded', 'for=10.0.0.1'],
    ['X-Forwarded-For', '10.0.0.1'],
    ['X-Forwarded-Host', 'console.example'],
    ['X-Forwarded-Proto', 'https'],
    ['X-Real-IP', '10.0.0.1'],
    ['Via', '1.1 proxy'],
    ['CF-Connecting-IP', '10.0.0.1'],
    ['X-Envoy-External-Address', '10.0.0.1'],
  ])('nobody who comes through a proxy is let in, as %s shows', async (name, value) => {
    const visitor = createVisitor(open.url);
    await visitor.get('/');
    const expected = `403: This console has no token, so it answers nobody who comes through a proxy (${name.toLowerCase()}): set KITECHAT_CONSOLE_TOKEN, or open the console directly on its machine.\n`;
    for (const path of [...VIEWS, '/metrics', '/queues/api/queues']) {
      expect([path, (await visitor.get(path, { [name]: value })).text]).toEqual([path, expected]);
    }
    expect((await visitor.post('/hold', { scope: 'all' }, { [name]: value })).text).toBe(expected);
    expect((await visitor.get('/healthz', { [name]: value })).status).toBe(200);
    tried({
      against: 'console',
      input: 'a console without a token, asked with each of 8 headers of proxies, for 11 views and a hold',
      count: VIEWS.length + 3,
      result: '403',
      before: 'answered',
    });
  });

  it('a header of a proxy is seen also behind 2,500 others', async () => {
    const many = Object.fromEntries(Array.from({ length: 2500 }, (_, n) => [`a${n.toString(36)}`, '']));
    expect((await open.visitor.get('/', { ...many, 'x-forwarded-for': '10.0.0.1' })).status).toBe(403);
    expect((await open.visitor.get('/', many)).status).toBe(200);
    tried({ against: 'console', input: 'such a header behind 2,500 others', result: '403', before: 'answered' });
  });

  it('proxies can not be trusted', async () => {
    const starting = startConsole({ redisUrl: used.url, trustedProxies: '127.0.0.1' });
    await expect(starting).rejects.toThrow(/KITECHAT_CONSOLE_TOKEN .* is missing: .*KITECHAT_TRUSTED_PROXIES/);
  });

  it('everybody on this machine may look', async () => {
    for (const path of VIEWS) expect([path, (await open.visitor.get(path)).status]).toEqual([path, 200]);
  });
});

const origins: [string, Record<string, string>][] = [
  ['a forged origin', { origin: 'https://evil.example' }],
  ['an origin that is this host on another port', { origin: 'http://127.0.0.1:1' }],
  ['the origin "null" of a sandbox', { origin: 'null' }],
  ['no origin, from another site', { 'sec-fetch-site': 'cross-site' }],
  ['no origin, from another host of the same site', { 'sec-fetch-site': 'same-site' }],
];

describe.each(CHANGES)('a change by %s', (path) => {
  it.each(origins)('is refused with %s, whatever else is right', async (_what, headers) => {
    const visitor = createVisitor(open.url);
    await visitor.get('/dead-letters');
    await visitor.get('/');
    expect((await visitor.post(path, {}, headers)).status).toBe(403);
    const tool = { authorization: `Bearer ${TOKEN}`, ...headers };
    expect((await createVisitor(closed.url).post(path, {}, tool)).status).toBe(403);
  });

  it('is refused without the token of the session, or with that of another', async () => {
    const [one, other] = [createVisitor(open.url), createVisitor(open.url)];
    const page = await one.get('/');
    expect((await createVisitor(open.url).post(path)).status).toBe(403);
    await other.get('/');
    const csrf = /name="csrf" value="([^"]+)"/.exec(page.text)?.[1] ?? '';
    expect(csrf).not.toBe('');
    expect((await other.post(path, { csrf })).status).toBe(403);
    expect((await other.post(path, { csrf: '' })).status).toBe(403);
    expect((await one.post(path, {}, { origin: open.url })).status).not.toBe(403);
  });
});

it('every answer forbids code and styles in the page, frames and copies', async () => {
  for (const path of [...VIEWS, '/no-such-page']) {
    const { headers } = await open.visitor.get(path);
    const policy = headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'; script-src 'self';");
    expect(policy).toContain("frame-ancestors 'none'");
    if (path !== '/queues') expect(policy).toContain("style-src 'self';");
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('referrer-policy')).toBe('same-origin');
    expect(headers.get('cache-control')).toBe('no-store');
  }
});

it('pages hold no code, no style and no address of another server', async () => {
  for (const path of VIEWS.filter((one) => one !== '/traffic.json')) {
    const { text } = await open.visitor.get(path);
    expect(text).not.toMatch(/<script(?![^>]*(?: src=|type="application\/json"))/);
    expect(text).not.toMatch(/(?:src|href)="(?:https?:)?\/\//);
    if (path !== '/queues') expect(text).not.toMatch(/<style| style=| on[a-z]+=/);
  }
});

it('assets can be kept for ever, and are not sent again to who has them', async () => {
  const { text } = await open.visitor.get('/');
  const paths = [...text.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map(([, path = '']) => path);
  expect(paths).toHaveLength(6);
  for (const path of paths) {
    const { status, headers } = await open.visitor.get(path);
    expect([status, headers.get('cache-control')]).toEqual([200, 'private, max-age=31536000, immutable']);
    const again = await open.visitor.get(path, { 'if-none-match': headers.get('etag') ?? '' });
    expect([again.status, again.text]).toEqual([304, '']);
  }
});

it('a body larger than any form is refused unread', async () => {
  const visitor = createVisitor(open.url);
  await visitor.get('/');
  expect((await visitor.post('/hold', { page: 'x'.repeat(1_100_000) })).status).toBe(413);
});

/** `fetch` sets the header by itself. */
async function statusForHost(url: string, host: string): Promise<number | undefined> {
  return await new Promise((resolve, reject) => {
    const asked = request(url, { headers: { host }, setHost: false }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    asked.on('error', reject).end();
  });
}
