import { expect, it } from 'vitest';
import { createVisitor } from '../support/console.ts';
import { startHttpProcess } from '../support/http-process.ts';
import { startNginx } from '../support/nginx.ts';
import { tried } from '../support/tried.ts';
import { useRedis } from '../support/use-redis.ts';

const TOKEN = 'a-token-that-nobody-guesses';
const used = useRedis();

it('a console without a token lets nobody act through an nginx that adds no headers', async () => {
  await using desk = await startHttpProcess('console', { REDIS_URL: used.url });
  await using nginx = await startNginx({ upstream: desk.url });
  const visitor = createVisitor(nginx.origin);
  const page = await visitor.get('/');
  expect([page.status, page.text]).toEqual([
    403,
    expect.stringMatching(/^403: This console has no token, .*HTTP\/1\.0/),
  ]);
  expect((await visitor.post('/hold', { scope: 'all' })).status).toBe(403);
  expect((await createVisitor(desk.url.slice(0, -1)).get('/')).status).toBe(200);
  tried({
    against: 'console',
    input: 'a console without a token through an nginx that adds no header',
    count: 2,
    result: '403, for its HTTP/1.0',
    before: 'answered',
  });
});

it('a console with a token is used through an nginx', async () => {
  await using desk = await startHttpProcess('console', { REDIS_URL: used.url, KITECHAT_CONSOLE_TOKEN: TOKEN });
  await using nginx = await startNginx({ upstream: desk.url });
  const visitor = createVisitor(nginx.origin);
  await visitor.post('/login', { token: TOKEN });
  expect((await visitor.get('/workers', { authorization: `Bearer ${TOKEN}` })).status).toBe(200);
});
