import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { setStage, type Stage } from '../../examples/support/stage.ts';
import { moveAway } from '../support/new-app.ts';
import { manifestOf } from '../support/new-example.ts';
import { newNextApp, type NextServer, quiet, startNext, startStandalone } from '../support/next-app.ts';
import { reportApp } from '../support/report-app.ts';
import { run } from '../support/run.ts';

const { next: version = '' } = manifestOf('next').dependencies;
const BUILD_MS = 300_000;

let app: string;
beforeAll(async () => {
  app = await newNextApp();
}, BUILD_MS);

describe.each([
  { name: 'Turbopack', report: 'next-turbopack', args: [] },
  { name: 'webpack', report: 'next-webpack', args: ['--webpack'] },
])('examples/next, built with $name', ({ name, report, args }) => {
  let built: string;

  beforeAll(async () => {
    const { stdout, stderr } = await run('next', ['build', ...args], { cwd: app, env: quiet, timeoutMs: BUILD_MS });
    built = stdout + stderr;
  }, BUILD_MS);

  it('builds without a warning', () => {
    expect(built).toContain(`(${name})`);
    expect(built).not.toMatch(/warn|⚠/i);
  });

  describe.each([
    {
      how: '`next start`',
      suffix: '',
      start: async (env: Record<string, string>) => await startNext(app, 'start', env),
    },
    {
      how: 'standalone output, without node_modules of the app',
      suffix: '-standalone',
      start: async (env: Record<string, string>) => await startStandalone(moveAway(join(app, '.next/standalone')), env),
    },
  ])('$how', ({ how, suffix, start }) => {
    let stage: Stage;
    let server: NextServer;

    reportApp(`${report}${suffix}`, {
      app: `Next, ${name}`,
      version,
      checked: `a route handler, a page, a server action; ${how}`,
      needs: 'nothing',
    });

    beforeAll(async () => {
      stage = await setStage();
      await stage.startWorker();
      server = await start({ REDIS_URL: stage.redis.url });
    });
    afterAll(async () => {
      await server[Symbol.asyncDispose]();
      await stage[Symbol.asyncDispose]();
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
  });
});
