import type { Settings } from '../support/settings.ts';
import { describe, expect, it, vi } from 'vitest';
import type { CommandProcess } from '../support/command-line.ts';
import { expectAccepted, expectPaceKept } from '../support/expect-deliveries.ts';
import { manyMessages, textMessage } from '../support/messages.ts';
import { shiftedClock, stepClock } from '../support/shifted-clock.ts';
import { useRedis } from '../support/use-redis.ts';
import { install, type Installation } from '../support/worker.ts';
import { startWorkerProcess } from '../support/worker-process.ts';

vi.setConfig({ maxConcurrency: 3 });

const TEN_MINUTES_MS = 600_000;

const used = useRedis();

describe.concurrent.each([
  { clock: 'ten minutes ahead', aheadMs: TEN_MINUTES_MS },
  { clock: 'ten minutes behind', aheadMs: -TEN_MINUTES_MS },
])('a worker whose clock is $clock', ({ aheadMs }) => {
  it('puts messages off and ends, and a worker with a right clock delivers them soon', async () => {
    await using site = await install(used, {
      startWorker: false,
      config: { backoffMs: 1000, backoffMaxMs: 1000 },
      api: {
        faults: [
          { kind: 'status', status: 429, retryAfter: 1, match: { pageId: 'held' } },
          { kind: 'status', status: 500, match: { pageId: 'failing' } },
        ],
      },
    });
    const held = await storeThree(site, 'held');
    const failing = await storeThree(site, 'failing');
    await using worker = await startWorkerProcess(site.config, shiftedClock({ aheadMs }));
    for (const id of held) await site.until(id, 'held');
    for (const id of failing) await site.until(id, 'retrying');
    worker.kill('SIGTERM');
    expect(await worker.ended()).toBe(0);
    expect(site.api.report().accepted).toBe(0);

    site.api.setFaults([]);
    site.startWorker();
    await expectAccepted(site, 6, 1000);
  });

  it('holds a page until the moment that the API names, by the clock of the API', async () => {
    await using site = await install(used, { startWorker: false, config: { backoffMs: 1, backoffMaxMs: 1 } });
    await using _worker = await startWorkerProcess(site.config, shiftedClock({ aheadMs }));
    const heldUntil = new Date(Date.now() + 4000);
    heldUntil.setMilliseconds(0);
    site.api.setFaults([{ kind: 'status', status: 429, retryAfter: heldUntil.toUTCString(), times: 1 }]);
    await site.enqueue(textMessage('c1', 1));
    await expectAccepted(site, 1, 4000);
    expect(site.api.accepted[0]?.at).toBeGreaterThanOrEqual(heldUntil.getTime());
  });
});

describe.concurrent.each([
  { step: 'back', stepMs: -TEN_MINUTES_MS },
  { step: 'forward', stepMs: TEN_MINUTES_MS },
])('a worker whose clock steps ten minutes $step', ({ stepMs }) => {
  interface Stepped extends Installation {
    worker: CommandProcess;
  }

  async function installStepping(config: Settings = {}): Promise<Stepped> {
    const stack = new AsyncDisposableStack();
    const site = stack.use(await install(used, { startWorker: false, config }));
    const worker = stack.use(await startWorkerProcess(site.config, shiftedClock({ stepMs })));
    return { ...site, worker, [Symbol.asyncDispose]: () => stack.disposeAsync() };
  }

  it('takes messages at once when it was idle', async () => {
    await using site = await installStepping();
    await site.until(await site.enqueue(textMessage('c1', 1)), 'delivered');
    await stepClock(site.worker);
    for (let n = 2; n <= 4; n += 1) {
      await site.enqueue(textMessage('c1', n));
      await expectAccepted(site, n, 0);
    }
  });

  it('goes on at the pace of the limit', async () => {
    await using site = await installStepping({ rateLimit: '10/s' });
    await site.producer.enqueueMessages(manyMessages(20, 4));
    await site.api.waitForAccepted(15);
    await stepClock(site.worker);
    const before = site.api.accepted.length;
    // Two seconds in which nothing leaves are the most that a step may cost, then come ten in a second.
    await expectAccepted(site, before + 10, 3000);
    await expectAccepted(site, 80, 7000);
    expectPaceKept(site, 10);
  });

  it('tries again what was put off, when its backoff is over', async () => {
    await using site = await installStepping({ backoffMs: 2000, backoffMaxMs: 2000 });
    site.api.setFaults([{ kind: 'status', status: 500, match: { pageId: 'failing' } }]);
    for (const id of await storeThree(site, 'failing')) await site.until(id, 'retrying');
    await stepClock(site.worker);
    site.api.setFaults([]);
    await expectAccepted(site, 3, 2000);
  });

  it('lets a scheduled message go when it is due', async () => {
    await using site = await installStepping();
    const storedAt = performance.now();
    await site.enqueue({ ...textMessage('c1', 1), delayMs: 2000 });
    await stepClock(site.worker);
    await expectAccepted(site, 1, 2000);
    expect(performance.now() - storedAt).toBeGreaterThanOrEqual(1999);
  });
});

async function storeThree({ producer }: Installation, page: string): Promise<string[]> {
  const messages = ['c1', 'c2', 'c3'].map((conversation) => textMessage(conversation, 1, page));
  return (await producer.enqueueMessages(messages)).map(({ id }) => id);
}
