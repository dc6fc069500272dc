import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectPatiently } from '../../../src/shared/session/connect.ts';
import { setStage, type Stage } from '../../examples/support/stage.ts';
import { eventually } from '../../support/eventually.ts';
import { moveAway, writeFiles } from '../support/new-app.ts';
import { manifestOf } from '../support/new-example.ts';
import { newNextApp, type NextServer, quiet, startNext, startStandalone } from '../support/next-app.ts';
import { reportApp } from '../support/report-app.ts';
import { run } from '../support/run.ts';

const { next: version = '' } = manifestOf('next').dependencies;
const BUILD_MS = 300_000;
/** Next ends so after SIGTERM, by the custom of shells. */
const SIGTERM_EXIT = 128 + 15;

let app: string;
beforeAll(async () => {
  app = await newNextApp();
}, BUILD_MS);

describe.each([
  { name: 'Turbopack', report: 'next-turbopack', args: [], standalone: false },
  { name: 'Turbopack', report: 'next-standalone', args: [], standalone: true },
  { name: 'webpack', report: 'next-webpack', args: ['--webpack'], standalone: false },
])('examples/next, built with $name, standalone: $standalone', ({ name, report, args, standalone }) => {
  let built: string;
  let stage: Stage;
  let server: NextServer;

  reportApp(report, {
    app: `Next, ${name}${standalone ? ", `output: 'standalone'`" : ''}`,
    version,
    checked: 'a route handler, a page, a server action',
    needs: 'nothing',
  });

  beforeAll(async () => {
    if (standalone) writeFiles(app, { 'next.config.mjs': `export default { output: 'standalone' };` });
    else rmSync(join(app, 'next.config.mjs'), { force: true });
    const { stdout, stderr } = await run('next', ['build', ...args], { cwd: app, env: quiet, timeoutMs: BUILD_MS });
    built = stdout + stderr;
    stage = await setStage();
    await stage.startWorker();
    const env = { REDIS_URL: stage.redis.url };
    server = standalone
      ? await startStandalone(moveAway(join(app, '.next/standalone')), env)
      : await startNext(app, ['start'], env);
  }, BUILD_MS);
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    await stage[Symbol.asyncDispose]();
  });

  it('builds and starts without a warning', () => {
    expect(built).toContain(`(${name})`);
    const { stdout, stderr } = server.process;
    expect([built, ...stdout, ...stderr].join('\n')).not.toMatch(/warn|⚠/i);
  });

  const expectDelivery = async (id: string, orderId: string): Promise<void> => {
    await stage.until(id, 'delivered');
    const texts = stage.api.accepted.map(({ message }) => message.text);
    expect(texts.filter((text) => text === `Order ${orderId} is on its way.`)).toHaveLength(1);
  };

  it('sends what its route handler stores', async () => {
    const orderId = randomUUID();
    const answer = await server.ship(orderId);
    expect(answer.status).toBe(202);
    const { id } = (await answer.json()) as { id: string };
    expect(await (await server.ship(orderId)).json()).toEqual({ id, duplicate: true });
    await expectDelivery(id, orderId);
  });

  it('sends what a page stores while it is rendered', async () => {
    const orderId = randomUUID();
    const page = await (await server.open(orderId)).text();
    await expectDelivery(/data-id="([^"]+)"/.exec(page)?.[1] ?? '', orderId);
  });

  it('sends what its server action stores, for a form without JavaScript', async () => {
    const orderId = randomUUID();
    const { shown, page } = await server.submit({ orderId, pageId: 'p1', conversationId: 'c1' });
    const id = shown.searchParams.get('stored') ?? '';
    expect(page).toContain(id);
    await expectDelivery(id, orderId);
  });

  it('tells people by the code of an error what is wrong', async () => {
    const orderId = randomUUID();
    const invalid = await server.ship(orderId, { pageId: '', conversationId: 'c1' });
    expect([invalid.status, await invalid.json()]).toEqual([400, { code: 'INVALID_MESSAGE' }]);

    await server.ship(orderId);
    const { shown, page } = await server.submit({ orderId, pageId: 'p1', conversationId: 'c2' });
    expect(shown.search).toBe('?problem=IDEMPOTENCY_CONFLICT');
    expect(page).toContain('Another customer was told already');
  });

  it('asks to try again while Redis is away, and goes on when it is back', async () => {
    const orderId = randomUUID();
    await stage.redis.kill();
    const away = await server.ship(orderId);
    expect([away.status, await away.json()]).toEqual([503, { code: 'QUEUE_UNAVAILABLE' }]);
    await stage.redis.restart();
    await expect.poll(async () => (await server.ship(orderId)).status, { timeout: 100_000 }).toBe(202);
  });

  it('on SIGTERM answers the request under way, and ends', async () => {
    const redis = connectPatiently({ redisUrl: stage.redis.url });
    await redis.call('CLIENT', 'PAUSE', '60000', 'WRITE');
    const underWay = server.ship(randomUUID());
    const isBlocked = async (): Promise<boolean> => / flags=\w*b/.test(String(await redis.call('CLIENT', 'LIST')));
    await eventually('a call waits in Redis', isBlocked);
    server.process.kill('SIGTERM');
    await eventually(
      'no more requests are taken',
      async () =>
        await fetch(server.url).then(
          () => false,
          () => true,
        ),
    );
    await redis.call('CLIENT', 'UNPAUSE');
    redis.disconnect();
    expect((await underWay).status).toBe(202);
    expect(await server.process.ended()).toBe(SIGTERM_EXIT);
  });
});
