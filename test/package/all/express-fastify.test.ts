import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { setStage } from '../../examples/support/stage.ts';
import { newApp } from '../support/new-app.ts';
import { recipe } from '../support/recipe.ts';
import { reportApp } from '../support/report-app.ts';
import { expectDrain, expectEnd, openShop } from '../support/shop.ts';

const versions = { express: '5.3.0', fastify: '5.12.8' };

let app: string;

beforeAll(async () => {
  app = await newApp('servers', {
    files: { 'express.js': recipe('Express', 'js'), 'fastify.js': recipe('Fastify', 'js') },
    devDependencies: versions,
  });
});

describe.each([
  ['express', 'Express'],
  ['fastify', 'Fastify'],
] as const)('the recipe for %s', (file, name) => {
  reportApp(file, {
    app: name,
    version: versions[file],
    checked: 'a route, shutdown by SIGTERM',
    needs: 'nothing',
  });

  it('answers when the message is stored, and a repeated request sends nothing more', async () => {
    await using stage = await setStage();
    await using shop = await openShop(stage, join(app, `${file}.js`));
    const first = await shop.ship(17);
    const { id } = (await first.json()) as { id: string };
    expect(first.status).toBe(202);
    expect(await (await shop.ship(17)).json()).toEqual({ id, duplicate: true });
    await stage.startWorker();
    await stage.until(id, 'delivered');
    expect(stage.api.accepted.map(({ message }) => message.text)).toEqual(['Order 17 is on its way.']);
  });

  it('answers 500 to what it could not store, and goes on', async () => {
    await using stage = await setStage();
    await using shop = await openShop(stage, join(app, `${file}.js`));
    expect((await shop.ship(17, { pageId: '', conversationId: 'c1' })).status).toBe(500);
    expect((await shop.ship(17)).status).toBe(202);
  });

  it('on SIGTERM answers the request under way, and ends with 0', async () => {
    await using stage = await setStage();
    await using shop = await openShop(stage, join(app, `${file}.js`));
    await expectDrain(stage, shop);
  });

  it('on SIGTERM ends with 0 if nothing is under way', async () => {
    await using stage = await setStage();
    await using shop = await openShop(stage, join(app, `${file}.js`));
    await expectEnd(shop);
  });
});
