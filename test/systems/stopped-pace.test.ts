import { describe, expect, it } from 'vitest';
import { startCommand } from '../support/command-line.ts';
import { eventually } from '../support/eventually.ts';
import { textMessage } from '../support/messages.ts';
import { type StoppingPoint, stoppingAt } from '../support/stopping-point.ts';
import { useRedis } from '../support/use-redis.ts';
import { install, type Installation } from '../support/worker.ts';

describe('a process that is killed', () => {
  const used = useRedis();

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
      KITECHAT_RATE_LIMIT: config.rateLimit ?? '',
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
    'around the tick in which messages are due (%s): they are delivered once, in their places',
    async (when) => {
      await using site = await install(used, { startWorker: false, config: { timeoutMs: 1000 } });
      const later = await site.enqueue({ ...textMessage('c1', 2), delayMs: 200 });
      const sooner = await site.enqueue({ ...textMessage('c1', 1), delayMs: 100 });
      await eventually('both are due', async () => (await statusesOf(site, [sooner, later])).every(isQueued));
      await killAt(site, ['worker'], { command: 'laneTick', when });
      site.startWorker();
      await expectOnce(site, [sooner, later]);
    },
  );

  it.concurrent.each(['before', 'sent', 'answered'] as const)(
    'around a cancellation (%s): it can be made again, and the conversation goes on',
    async (when) => {
      await using site = await install(used, { startWorker: false });
      const id = await site.enqueue(textMessage('c1', 1));
      const next = await site.enqueue(textMessage('c1', 2));
      await killAt(site, ['cancel', id], { command: 'laneCancel', when });
      expect(await site.producer.cancelMessage(id)).toBe('cancelled');
      site.startWorker();
      await expectOnce(site, [next]);
    },
  );

  it.concurrent.each([
    ['page', { pageRateLimit: '2/s' }],
    ['fleet', { rateLimit: '20/s' }],
  ])('right after it took at a slot of the limit of a %s: that slot is lost, and no message', async (_whose, limit) => {
    await using site = await install(used, { startWorker: false, config: { timeoutMs: 1000, ...limit } });
    const ids = await Promise.all([1, 2, 3].map((n) => site.enqueue(textMessage(`c${n}`, 1))));
    await killAt(site, ['worker'], { command: 'take', when: 'answered' });
    site.startWorker();
    await expectOnce(site, ids);
  });

  async function statusesOf(site: Installation, ids: readonly string[]): Promise<(string | undefined)[]> {
    return await Promise.all(ids.map(async (id) => (await site.producer.getMessage(id))?.status));
  }
});

function isQueued(status: string | undefined): boolean {
  return status === 'queued';
}
