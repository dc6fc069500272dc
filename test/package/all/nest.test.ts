import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { connectPatiently } from '../../../src/shared/session/connect.ts';
import { setStage, type Stage } from '../../examples/support/stage.ts';
import { manifestOf, newExample } from '../support/new-example.ts';
import { reportApp } from '../support/report-app.ts';
import { run } from '../support/run.ts';
import { expectDrain, expectEnd, openShop, type Shop } from '../support/shop.ts';

const { '@nestjs/core': version = '' } = manifestOf('nestjs').dependencies;

let app: string;

beforeAll(async () => {
  app = await newExample('nestjs');
  await run('npm', ['run', 'build'], { cwd: app });
});

const start = async (stage: Stage): Promise<Shop> => await openShop(stage, join(app, 'dist/src/main.js'));

describe('examples/nestjs', () => {
  reportApp('nest', {
    app: 'NestJS, CommonJS output',
    version,
    checked: 'a module with a producer, shutdown by SIGTERM, a test with a mock',
    needs: 'nothing',
  });

  it('answers when the message is stored, and a repeated request sends nothing more', async () => {
    await using stage = await setStage();
    await using shop = await start(stage);
    const first = await shop.ship(17);
    const { id } = (await first.json()) as { id: string };
    expect(first.status).toBe(202);
    expect(await (await shop.ship(17)).json()).toEqual({ id, duplicate: true });
    await stage.startWorker();
    await stage.until(id, 'delivered');
    expect(stage.api.accepted.map(({ message }) => message.text)).toEqual(['Order 17 is on its way.']);
  });

  it('tells its caller what is wrong, what is in the way, and when to come back', async () => {
    await using stage = await setStage();
    await using shop = await start(stage);
    const invalid = await shop.ship(17, { pageId: '', conversationId: 'c1' });
    expect([invalid.status, await invalid.json()]).toMatchObject([400, { issues: [{ path: 'pageId' }] }]);
    await shop.ship(18);
    expect((await shop.ship(18, { pageId: 'p1', conversationId: 'c2' })).status).toBe(409);
    await stage.redis.kill();
    expect((await shop.ship(19)).status).toBe(503);
  });

  it('leaves a wrong setting, which no caller can correct, to Nest, whose log names it', async () => {
    await using stage = await setStage();
    await using shop = await start(stage);
    const redis = connectPatiently({ redisUrl: stage.redis.url });
    await redis.set('{kitechat}:shards', '2 layout 2 version 0.2.0');
    redis.disconnect();
    expect((await shop.ship(17)).status).toBe(500);
    await shop.process.lineWhere('stderr', (line) => line.includes(' shards is 1, '));
  });

  it('on SIGTERM answers the request under way, and ends with 0', async () => {
    await using stage = await setStage();
    await using shop = await start(stage);
    await expectDrain(stage, shop);
  });

  it('on SIGTERM ends with 0 if nothing is under way', async () => {
    await using stage = await setStage();
    await using shop = await start(stage);
    await expectEnd(shop);
  });

  it('has tests that run without Redis, with a mock in place of the producer', async () => {
    const { stdout } = await run('npm', ['test'], { cwd: app });
    expect(stdout).toMatch(/pass 4\n.*fail 0/);
  });
});
