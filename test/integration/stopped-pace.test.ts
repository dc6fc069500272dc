import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RedisServer } from '../../src/testing/redis-handle.ts';
import { startCommand } from '../support/command-line.ts';
import { textMessage } from '../support/messages.ts';
import { startTestRedis } from '../support/redis.ts';
import { type StoppingPoint, stoppingAt } from '../support/stopping-point.ts';
import { install, type Installation } from '../support/worker.ts';

describe('a process that is killed', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startTestRedis();
  });
  afterAll(async () => await server.stop());

  /** Runs a command until it kills itself at the point. */
  async function killAt(
    { config }: Installation,
    command: string[],
    point: Omit<StoppingPoint, 'signal'>,
  ): Promise<void> {
    await using killed = startCommand(command, {
      REDIS_URL: config.redisUrl ?? '',
      KITECHAT_NAMESPACE: config.namespace ?? '',
      KITECHAT_API_URL: config.apiUrl ?? '',
      KITECHAT_API_KEY: 'key',
      KITECHAT_TIMEOUT_MS: '1000',
      KITECHAT_PAGE_RATE_LIMIT: config.pageRateLimit ?? '',
      ...stoppingAt({ ...point, signal: 'SIGKILL' }),
    });
    expect(await killed.ended()).toBe('SIGKILL');
  }

  async function expectOnce(site: Installation, ids: readonly string[]): Promise<void> {
    for (const id of ids) await site.until(id, 'delivered');
    const { accepted, duplicates, outOfOrder } = site.api.report();
    expect([accepted, duplicates.count, outOfOrder.count]).toEqual([ids.length, 0, 0]);
  }

  it.concurrent.each(['before', 'sent', 'answered'] as const)(
    'around the move of a message that is due (%s): it is delivered once, in its place',
    async (when) => {
      await using site = await install(server, { startWorker: false, config: { timeoutMs: 1000 } });
      const last = await site.enqueue({ ...textMessage('c1', 3), delayMs: 200 });
      const ids = [await site.enqueue(textMessage('c1', 1)), await site.enqueue(textMessage('c1', 2))];
      await killAt(site, ['worker'], { command: 'laneDue', when });
      site.startWorker();
      await expectOnce(site, [...ids, last]);
    },
  );

  it.concurrent.each(['before', 'sent', 'answered'] as const)(
    'around a cancellation (%s): it can be made again, and the conversation goes on',
    async (when) => {
      await using site = await install(server, { startWorker: false });
      const id = await site.enqueue(textMessage('c1', 1));
      const next = await site.enqueue(textMessage('c1', 2));
      await killAt(site, ['cancel', id], { command: 'laneCancel', when });
      expect(await site.producer.cancelMessage(id)).toBe('cancelled');
      site.startWorker();
      await expectOnce(site, [next]);
    },
  );

  it.concurrent('after a slot was reserved, before BullMQ knows of the wait: every message is delivered once', async () => {
    await using site = await install(server, {
      startWorker: false,
      config: { timeoutMs: 1000, pageRateLimit: '2/s' },
    });
    const ids = await Promise.all([1, 2, 3].map((n) => site.enqueue(textMessage(`c${n}`, 1))));
    await killAt(site, ['worker'], { command: 'laneClaim', when: 'answered', reply: 'wait' });
    site.startWorker();
    for (const id of ids) await site.until(id, 'delivered');
    expect(site.api.report().outOfOrder.count).toBe(0);
  });
});
