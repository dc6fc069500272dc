import { describe, expect, it } from 'vitest';
import type { ClaimVerdict } from '../../src/worker/index.ts';
import { eventually } from '../support/eventually.ts';
import { textMessage } from '../support/messages.ts';
import { useRedis } from '../support/use-redis.ts';
import { install } from '../support/worker.ts';

describe('what a worker tells of itself', () => {
  const used = useRedis();

  it('is how each claim came out', async () => {
    await using site = await install(used, {
      startWorker: false,
      api: { faults: [{ kind: 'status', status: 500, times: 1 }] },
    });
    const worker = site.startWorker();
    const verdicts: ClaimVerdict[] = [];
    worker.on('claim', (verdict) => verdicts.push(verdict));
    await site.until(await site.enqueue(textMessage('c1', 1)), 'delivered');
    expect(verdicts.filter((verdict) => verdict === 'go')).toHaveLength(2);
  });

  it('harms no message when a listener fails', async () => {
    await using site = await install(used, { startWorker: false });
    const worker = site.startWorker();
    for (const event of ['claim', 'attempt'] as const) {
      worker.on(event, () => {
        throw new Error('a bug in the listener');
      });
    }
    for (let n = 1; n <= 3; n += 1) {
      const { attempts } = await site.until(await site.enqueue(textMessage('c1', n)), 'delivered');
      expect(attempts).toMatchObject([{ outcome: 'delivered' }]);
    }
    expect(site.api.report()).toMatchObject({ requests: 3, duplicates: { count: 0 } });
  });

  it('is its health: what it works on, how long, and in which phase it is', async () => {
    await using site = await install(used, {
      startWorker: false,
      api: { latencyMs: 300 },
      config: { concurrency: 7 },
    });
    const worker = site.startWorker();
    expect(worker.health()).toMatchObject({ phase: 'starting', sending: 0, sinceTickMs: null, concurrency: 7 });
    const id = await site.enqueue(textMessage('c1', 1));
    const busy = await eventually('an attempt is open', () => {
      const health = worker.health();
      return health.oldestAttemptMs > 100 && health;
    });
    expect(busy).toMatchObject({ phase: 'taking', sending: 1, starvingMs: 0, redis: { ready: true } });
    await site.until(id, 'delivered');
    await eventually('nothing is open', () => worker.health().sending === 0);
    expect(worker.health().oldestAttemptMs).toBe(0);
    await worker.close();
    expect(worker.health().phase).toBe('ended');
  });
});
