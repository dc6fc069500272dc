import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { randomPort } from '../../../src/testing/redis/random-port.ts';
import { connectPatiently } from '../../../src/shared/session/connect.ts';
import { setStage, type Stage } from '../../examples/support/stage.ts';
import { type CommandProcess, startNode } from '../../support/command-line.ts';
import { eventually } from '../../support/eventually.ts';
import { manifestOf, newExample } from '../support/new-example.ts';
import { reportApp } from '../support/report-app.ts';
import { run } from '../support/run.ts';

const { '@nestjs/core': version = '' } = manifestOf('nestjs').dependencies;

let app: string;

beforeAll(async () => {
  app = await newExample('nestjs');
  await run('npm', ['run', 'build'], { cwd: app });
});

interface Shop {
  process: CommandProcess;
  ship(orderId: number, body?: object): Promise<Response>;
}

async function openShop(stage: Stage): Promise<Shop> {
  const port = String(randomPort());
  const process = startNode([join(app, 'dist/src/main.js')], { REDIS_URL: stage.redis.url, PORT: port });
  await process.lineWhere('stdout', (line) => line.startsWith('Listening on'));
  return {
    process,
    ship: async (orderId, body = { pageId: 'p1', conversationId: 'c1' }) =>
      await fetch(`http://127.0.0.1:${port}/orders/${orderId}/shipped`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
  };
}

describe('examples/nestjs', () => {
  reportApp('nest', {
    app: 'NestJS, CommonJS output',
    version,
    checked: 'a module with a producer, shutdown by SIGTERM, a test with a mock',
    needs: 'nothing',
  });

  it('answers when the message is stored, and a repeated request sends nothing more', async () => {
    await using stage = await setStage();
    const { ship } = await openShop(stage);
    const first = await ship(17);
    const { id } = (await first.json()) as { id: string };
    expect(first.status).toBe(202);
    expect(await (await ship(17)).json()).toEqual({ id, duplicate: true });
    await stage.startWorker();
    await stage.until(id, 'delivered');
    expect(stage.api.accepted.map(({ message }) => message.text)).toEqual(['Order 17 is on its way.']);
  });

  it('tells its caller what is wrong, what is in the way, and when to come back', async () => {
    await using stage = await setStage();
    const { ship } = await openShop(stage);
    const invalid = await ship(17, { pageId: '', conversationId: 'c1' });
    expect([invalid.status, await invalid.json()]).toMatchObject([400, { issues: [{ path: 'pageId' }] }]);
    await ship(18);
    expect((await ship(18, { pageId: 'p1', conversationId: 'c2' })).status).toBe(409);
    await stage.redis.kill();
    expect((await ship(19)).status).toBe(503);
  });

  it('on SIGTERM answers the request under way, and ends with 0', async () => {
    await using stage = await setStage();
    const { process: shop, ship } = await openShop(stage);
    const redis = connectPatiently({ redisUrl: stage.redis.url });
    await ship(17);
    await redis.call('CLIENT', 'PAUSE', '60000', 'WRITE');
    const underWay = ship(18);
    await eventually('a call waits in Redis', async () =>
      / flags=\w*b/.test(String(await redis.call('CLIENT', 'LIST'))),
    );
    shop.kill('SIGTERM');
    await eventually(
      'the app takes no more requests',
      async () =>
        await ship(19).then(
          () => false,
          () => true,
        ),
    );
    await redis.call('CLIENT', 'UNPAUSE');
    redis.disconnect();
    expect((await underWay).status).toBe(202);
    expect(await shop.ended()).toBe(0);
  });

  it('on SIGTERM ends at once if nothing is under way', async () => {
    await using stage = await setStage();
    const { process: shop, ship } = await openShop(stage);
    await ship(17);
    const before = performance.now();
    shop.kill('SIGTERM');
    expect(await shop.ended()).toBe(0);
    expect(performance.now() - before).toBeLessThan(2000);
  });

  it('has tests that run without Redis, with a mock in place of the producer', async () => {
    const { stdout } = await run('npm', ['test'], { cwd: app });
    expect(stdout).toMatch(/pass 3\n.*fail 0/);
  });
});
