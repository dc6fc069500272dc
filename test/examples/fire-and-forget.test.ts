import { join } from 'node:path';
import { describe, expect, inject, it } from 'vitest';
import { randomPort } from '../../src/testing/redis/random-port.ts';
import { expectDrain, openShop as openAnyShop } from '../package/support/shop.ts';
import { setStage, type Stage } from './support/stage.ts';

interface Shop {
  stop(): Promise<number | NodeJS.Signals>;
  /** Tells the shop that an order was shipped. */
  ship(orderId: number, body?: unknown): Promise<Answer>;
}

interface Answer {
  status: number;
  retryAfter: string | null;
  body: { id?: string; duplicate?: boolean; issues?: { path: string }[] };
}

async function openShop(stage: Stage): Promise<Shop> {
  const port = String(randomPort());
  const server = stage.start('fire-and-forget/server.ts', [], { PORT: port });
  await server.lineWhere('stdout', (line) => line.includes('Server listening'));
  return {
    async stop() {
      server.kill('SIGTERM');
      return await server.ended();
    },
    async ship(orderId, body = { pageId: 'p1', conversationId: 'c1' }) {
      const response = await fetch(`http://127.0.0.1:${port}/orders/${orderId}/shipped`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      const answer = (await response.json()) as Answer['body'];
      return { status: response.status, retryAfter: response.headers.get('retry-after'), body: answer };
    },
  };
}

describe('examples/fire-and-forget', () => {
  it('answers before anything was sent, and a repeated request sends nothing more', async () => {
    await using stage = await setStage();
    const shop = await openShop(stage);
    const { status, body } = await shop.ship(17);
    expect({ status, duplicate: body.duplicate }).toEqual({ status: 202, duplicate: false });
    expect(stage.api.report().requests).toBe(0);
    expect(await shop.ship(17)).toMatchObject({ status: 202, body: { id: body.id, duplicate: true } });

    await stage.startWorker();
    await stage.until(body.id ?? '', 'delivered');
    expect(stage.api.accepted.map(({ message }) => message.text)).toEqual(['Order 17 is on its way.']);
    expect(await shop.stop()).toBe(0);
  });

  it('tells its caller what is wrong, what is in the way, and when to come back', async () => {
    await using stage = await setStage();
    const shop = await openShop(stage);
    expect(await shop.ship(17, { pageId: '', conversationId: 'c1' })).toMatchObject({
      status: 400,
      body: { issues: [{ path: 'pageId' }] },
    });
    await shop.ship(18);
    expect(await shop.ship(18, { pageId: 'p1', conversationId: 'c2' })).toMatchObject({ status: 409 });

    await stage.redis.kill();
    expect(await shop.ship(19)).toMatchObject({ status: 503, retryAfter: '2' });
    await stage.redis.restart();
    await expect.poll(async () => (await shop.ship(19)).status, { timeout: 100_000 }).toBe(202);
  });

  it('on SIGTERM answers the request under way, and ends before it would be killed', async () => {
    await using stage = await setStage();
    await using shop = await openAnyShop(stage, join(inject('examples'), 'fire-and-forget/server.ts'));
    await expectDrain(stage, shop);
  });
});
