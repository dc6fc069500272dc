import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ConsoleVisitor, createVisitor, type PageAnswer, startConsole, wordsOf } from '../support/console.ts';
import { startTestRedis } from '../support/redis.ts';
import { type SecuredRedis, startSecuredRedis } from '../support/secured-redis.ts';
import { textMessage } from '../support/messages.ts';
import { tried } from '../support/tried.ts';
import { useProducers } from '../support/use-producers.ts';

const TOKEN = 'a-token-that-nobody-guesses';
const TWELVE_HOURS_MS = 12 * 3_600_000;

function cookieOf({ headers }: PageAnswer): string {
  return headers.get('set-cookie')?.split(';')[0] ?? '';
}

/** The same cookie for a console on another port. */
function renamed(cookie: string, url: string): string {
  return cookie.replace(/_\d+=/, `_${new URL(url).port}=`);
}

/** Somebody who has copied the cookie of a session, and the token of its forms. */
async function thiefOf(visitor: ConsoleVisitor, cookie: string): Promise<{ csrf: string; cookie: string }> {
  const csrf = /name="csrf" value="([^"]+)"/.exec((await visitor.get('/')).text)?.[1] ?? '';
  return { csrf, cookie };
}

describe('a session that has logged out', () => {
  const used = useProducers();
  beforeAll(async () => {
    await using producer = used.producerOf('kitechat');
    await producer.enqueueMessage(textMessage('c1', 1));
  });
  const start = () => startConsole({ redisUrl: used.url, consoleToken: TOKEN });

  it('has ended for every console of the installation, also for one that starts later', async () => {
    await using one = await start();
    await using other = await start();
    const login = await one.visitor.post('/login', { token: TOKEN });
    const thief = await thiefOf(one.visitor, cookieOf(login));
    const at = (url: string) => ({ cookie: renamed(thief.cookie, url) });
    expect((await createVisitor(other.url).get('/', at(other.url))).status).toBe(200);

    expect((await one.visitor.post('/logout')).status).toBe(303);
    await using later = await start();
    for (const { url } of [one, other, later]) {
      const visitor = createVisitor(url);
      for (const path of ['/', '/dead-letters', '/traffic.json', '/queues/api/queues', '/metrics']) {
        expect([path, (await visitor.get(path, at(url))).status]).toEqual([path, 401]);
      }
      const change = await visitor.post('/hold', { csrf: thief.csrf, scope: 'all' }, at(url));
      expect(change.status).toBe(401);
    }
    expect(await used.redis.hgetall('{kitechat:0}:holds')).toEqual({});
    // Others stay logged in.
    const colleague = createVisitor(one.url);
    await colleague.post('/login', { token: TOKEN });
    expect((await colleague.get('/')).status).toBe(200);
    tried({
      against: 'console',
      input:
        'a copied cookie after its logout, at the same console, another one, and one started later; 5 views and a hold',
      count: 3 * 6,
      result: '401',
      before: 'valid for 12 h',
    });
  });

  it('costs Redis one small key until its cookie is no longer valid', async () => {
    await used.redis.del(...(await used.redis.keys('{kitechat:fleet}:ended:*')), 'none');
    await using desk = await start();
    await desk.visitor.post('/login', { token: TOKEN });
    await desk.visitor.get('/');
    await desk.visitor.post('/logout');
    const [key = '', ...more] = await used.redis.keys('{kitechat:fleet}:ended:*');
    expect([more, await used.redis.get(key)]).toEqual([[], '1']);
    const leftMs = await used.redis.pttl(key);
    expect(leftMs).toBeGreaterThan(TWELVE_HOURS_MS - 60_000);
    expect(leftMs).toBeLessThanOrEqual(TWELVE_HOURS_MS);
  });
});

it('a logout that Redis does not take down ends the session in this process, and says where it goes on', async () => {
  await using server = await startTestRedis();
  await using desk = await startConsole({ redisUrl: server.url, consoleToken: TOKEN });
  const redis = new Redis(server.url);
  await redis.set('{kitechat}:shards', '1 layout 2 version 0.2.0');
  const cookie = cookieOf(await desk.visitor.post('/login', { token: TOKEN }));
  await desk.visitor.get('/');
  await redis.config('SET', 'min-replicas-to-write', '1');
  const answer = await desk.visitor.post('/logout');
  expect(answer.status).toBe(503);
  expect(answer.text).toMatch(/^503: This browser is logged out here\. .* until 20\S+Z\. A new KITECHAT_CONSOLE_TOKEN/);
  expect(answer.headers.get('set-cookie')).toContain('Max-Age=0');
  expect((await createVisitor(desk.url).get('/', { cookie })).status).toBe(401);
  redis.disconnect();
  tried({
    against: 'console',
    input: 'a logout that Redis refuses',
    result: '503, ended in this process, and the answer says until when elsewhere',
  });
});

it('if the number of shards has changed meanwhile, a session is told so', async () => {
  await using server = await startTestRedis();
  const redis = new Redis(server.url);
  await redis.set('{kitechat}:shards', '1 layout 2 version 0.2.0');
  await using desk = await startConsole({ redisUrl: server.url, consoleToken: TOKEN });
  await desk.visitor.post('/login', { token: TOKEN });
  expect((await desk.visitor.get('/')).status).toBe(200);
  await redis.set('{kitechat}:shards', '2 layout 2 version 0.2.0');
  await redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
  const answer = await desk.visitor.get('/');
  expect([answer.status, wordsOf(answer).includes('was set up with 2')]).toEqual([500, true]);
  redis.disconnect();
});

describe('with the users of ops/redis-acl/users.acl', () => {
  let redis: SecuredRedis;
  beforeAll(async () => {
    redis = await startSecuredRedis();
    await redis.admin.set('{kitechat}:shards', '1 layout 2 version 0.2.0');
  });
  afterAll(async () => await redis[Symbol.asyncDispose]());

  it.each(['kitechat-worker', 'kitechat-operator', 'kitechat-reader'])(
    'a logout at a console of %s ends the session for the others',
    async (user) => {
      await using one = await startConsole({ redisUrl: redis.urlOf(user), consoleToken: TOKEN });
      await using other = await startConsole({ redisUrl: redis.urlOf('kitechat-operator'), consoleToken: TOKEN });
      const cookie = cookieOf(await one.visitor.post('/login', { token: TOKEN }));
      await one.visitor.get('/');
      expect((await one.visitor.post('/logout')).status).toBe(303);
      expect((await other.visitor.get('/', { cookie: renamed(cookie, other.url) })).status).toBe(401);
      expect(await redis.denials()).toEqual([]);
      tried({
        against: 'console',
        input: 'a logout at consoles with the users `kitechat-worker`, `kitechat-operator` and `kitechat-reader`',
        result: 'ended for all',
        before: 'valid for 12 h',
      });
    },
  );
});
