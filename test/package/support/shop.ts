import { expect } from 'vitest';
import { connectPatiently } from '../../../src/shared/session/connect.ts';
import { randomPort } from '../../../src/testing/redis/random-port.ts';
import type { Stage } from '../../examples/support/stage.ts';
import { type CommandProcess, startNode } from '../../support/command-line.ts';
import { eventually } from '../../support/eventually.ts';

/** Until an idle connection ends, a server doesn't; container engines kill it after 10 s. */
const LONGEST_KEEP_ALIVE_S = 9;

/** A server that tells customers of shipped orders, as the recipes of docs/apps.md and their examples are. */
export interface Shop {
  process: CommandProcess;
  ship(orderId: number, body?: object): Promise<Response>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Starts a shop, and waits until it listens. */
export async function openShop(stage: Stage, file: string): Promise<Shop> {
  const port = String(randomPort());
  const process = startNode([file], { REDIS_URL: stage.redis.url, PORT: port });
  await process.lineWhere('stdout', (line) => /listening/i.test(line));
  return {
    process,
    ship: async (orderId, body = { pageId: 'p1', conversationId: 'c1' }) =>
      await fetch(`http://127.0.0.1:${port}/orders/${orderId}/shipped`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    [Symbol.asyncDispose]: () => process[Symbol.asyncDispose](),
  };
}

/** Sends SIGTERM to a shop while a request waits for Redis, and expects that it answers this request and ends with 0. */
export async function expectDrain(stage: Stage, { process, ship }: Shop): Promise<void> {
  const redis = connectPatiently({ redisUrl: stage.redis.url });
  await ship(17);
  await redis.call('CLIENT', 'PAUSE', '60000', 'WRITE');
  const underWay = ship(18);
  const isBlocked = async (): Promise<boolean> => / flags=\w*b/.test(String(await redis.call('CLIENT', 'LIST')));
  await eventually('a call waits in Redis', isBlocked);
  process.kill('SIGTERM');
  // A request that is not valid never waits for Redis.
  const isClosed = async (): Promise<boolean> =>
    await ship(19, {}).then(
      ({ status }) => status === 503,
      () => true,
    );
  await eventually('no more requests are taken', isClosed);
  await redis.call('CLIENT', 'UNPAUSE');
  redis.disconnect();
  const { status, headers } = await underWay;
  expect(status).toBe(202);
  const [, keptForS] = /timeout=(\d+)/.exec(headers.get('keep-alive') ?? 'timeout=0') ?? [];
  expect(Number(keptForS)).toBeLessThanOrEqual(LONGEST_KEEP_ALIVE_S);
  expect(await process.ended()).toBe(0);
}

/** Sends SIGTERM to a shop that has nothing to do, and expects that it ends with 0. */
export async function expectEnd({ process, ship }: Shop): Promise<void> {
  expect((await ship(17)).status).toBe(202);
  process.kill('SIGTERM');
  expect(await process.ended()).toBe(0);
}
