import { describe, expect, it } from 'vitest';
import { createVisitor, startConsole, wordsOf } from '../support/console.ts';
import { eventually } from '../support/eventually.ts';
import { startTestRedis } from '../support/redis.ts';
import { tried } from '../support/tried.ts';

const TOKEN = 'a-token-that-nobody-guesses';
const ID = '0-01ARZ3NDEKTSV4RRFFQ69G5FAV';
const VIEWS = ['/', '/pages', '/pages/p1', '/workers', '/dead-letters', `/find?q=${ID}`, '/find?page=p&conversation=c'];
const OTHERS = [`/dead-letters/${ID}`, '/queues', '/queues/api/queues', '/traffic.json'];

describe.each(['killed', 'frozen'] as const)('while Redis is %s', (how) => {
  it('every page says so instead of waiting for it, and comes back by itself', async () => {
    await using server = await startTestRedis();
    await using desk = await startConsole({ redisUrl: server.url });
    const { visitor } = desk;
    expect((await visitor.get('/')).status).toBe(200);
    await (how === 'killed' ? server.kill() : server.pause());
    const answers = await Promise.all(
      [...VIEWS, ...OTHERS].map(async (path) => {
        const [whole, live] = await Promise.all([visitor.get(path), visitor.get(path, { 'hx-request': 'true' })]);
        return { path, whole, live };
      }),
    );
    for (const { path, whole, live } of answers) {
      expect([path, whole.status, live.status]).toEqual([path, 503, 503]);
      expect(wordsOf(whole)).toContain('Redis does not answer.');
      expect(whole.text).toMatch(/<body\s+data-unavailable/);
      expect(live.text).toMatch(/^<div\s+id="live"/);
    }
    await (how === 'killed' ? server.restart() : server.resume());
    await eventually('the console is back', async () => (await visitor.get('/')).status === 200);
    for (const path of VIEWS) expect((await visitor.get(path)).text).not.toContain('data-unavailable');
  });

  it('a change is refused, and says whether it was made', async () => {
    await using server = await startTestRedis();
    await using desk = await startConsole({ redisUrl: server.url });
    const { visitor } = desk;
    await visitor.get('/');
    await (how === 'killed' ? server.kill() : server.pause());
    const answer = await visitor.post('/hold', { scope: 'page', page: 'p1' });
    expect(answer.status).toBe(503);
    expect(wordsOf(answer)).toMatch(/Nothing was written|may have been made or not/);
    // A page that came from a form can't be asked for again.
    expect(answer.text).not.toContain('data-unavailable');
    if (how === 'frozen') await server.resume();
  });
});

it('while Redis is away, a cookie neither shows nor changes anything, and the token still works', async () => {
  await using server = await startTestRedis();
  await using desk = await startConsole({ redisUrl: server.url, consoleToken: TOKEN });
  await desk.visitor.post('/login', { token: TOKEN });
  const page = await desk.visitor.get('/dead-letters/job');
  expect(page.status).toBe(200);
  await server.kill();
  for (const path of ['/', '/dead-letters/job', '/find']) {
    const answer = await desk.visitor.get(path);
    expect([path, answer.status]).toEqual([path, 503]);
    expect(wordsOf(answer)).toContain('Redis does not answer.');
  }
  expect((await desk.visitor.post('/dead-letters/job/stop')).status).toBe(503);
  expect((await desk.visitor.post('/logout')).status).toBe(503);
  const [, asset = ''] = /href="(\/assets\/[^"]+)"/.exec(page.text) ?? [];
  expect((await desk.visitor.get(asset)).status).toBe(200);
  const tool = { authorization: `Bearer ${TOKEN}` };
  expect((await createVisitor(desk.url).get('/dead-letters/job', tool)).status).toBe(200);
  await server.restart();
  await eventually('the session goes on', async () => (await desk.visitor.get('/')).status === 200);
  tried({
    against: 'console',
    input: 'a cookie while Redis is away',
    count: 5,
    result: '503',
    before: 'pages were shown',
  });
});
