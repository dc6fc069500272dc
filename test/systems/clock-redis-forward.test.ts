import { describe, expect, it, vi } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { expectAccepted, expectPaceKept, expectSentOnceInOrder } from '../support/expect-deliveries.ts';
import { installInMidSend, limitedSites, PAUSE_MS } from '../support/limited-sites.ts';
import { manyMessages, textMessage } from '../support/messages.ts';
import { installOnSteppingRedis, TEN_MINUTES_MS } from '../support/stepping-site.ts';

vi.setConfig({ maxConcurrency: 3 });

const HOUR_MS = 3_600_000;

describe.concurrent('when the clock of Redis steps ten minutes forward', () => {
  it.each(limitedSites)('messages under a limit $limit go on at its pace, and no faster', async (limited) => {
    await using site = await installInMidSend(limited);
    await site.stepClock(TEN_MINUTES_MS);
    await expectAccepted(site, 160, PAUSE_MS + 7000);
    expectPaceKept(site, 20, { steps: 1 });
    expectSentOnceInOrder(site);
  });

  it('and back again, messages under a limit go on within two seconds', async () => {
    await using site = await installOnSteppingRedis({ config: { rateLimit: '20/s' } });
    await site.producer.enqueueMessages(manyMessages(40, 4));
    await site.api.waitForAccepted(20);
    await site.stepClock(TEN_MINUTES_MS);
    await site.api.waitForAccepted(60);
    await site.stepClock(-TEN_MINUTES_MS);
    const before = site.api.accepted.length;
    await expectAccepted(site, before + 20, PAUSE_MS + 1000);
    await expectAccepted(site, 160, 5000);
    expectSentOnceInOrder(site);
  });

  it('nothing that was put off, scheduled or stored is lost', async () => {
    await using site = await installOnSteppingRedis({
      config: { backoffMs: 3000, backoffMaxMs: 3000 },
      api: {
        faults: [
          { kind: 'status', status: 429, retryAfter: 4, match: { pageId: 'held' }, times: 1 },
          { kind: 'status', status: 500, match: { pageId: 'failing' }, times: 1 },
        ],
      },
    });
    const held = await site.enqueue(textMessage('c1', 1, 'held'));
    const failing = await site.enqueue(textMessage('c1', 1, 'failing'));
    const scheduled = await site.enqueue({ ...textMessage('c1', 1, 'scheduled'), delayMs: 6000 });
    const behind = await site.enqueue(textMessage('c1', 2, 'failing'));
    await site.until(held, 'held');
    await site.until(failing, 'retrying');
    await site.stepClock(TEN_MINUTES_MS);
    for (const id of [held, failing, scheduled, behind]) await site.until(id, 'delivered');
    expectSentOnceInOrder(site);
  });

  it('a message whose TTL is shorter than the step may expire, as a dead letter that says so', async () => {
    await using site = await installOnSteppingRedis({ startWorker: false });
    const short = await site.enqueue({ ...textMessage('c1', 1), ttlMs: TEN_MINUTES_MS / 2 });
    const long = await site.enqueue({ ...textMessage('c1', 2), ttlMs: HOUR_MS });
    await site.stepClock(TEN_MINUTES_MS);
    site.startWorker();
    expect(await site.until(short, 'dead')).toMatchObject({ reason: 'expired' });
    await site.until(long, 'delivered');
  });

  it.each(['resend', 'dead-letter'] as const)(
    'what is in flight arrives once, though every lock has ended at the step (%s)',
    async (onUnknownOutcome) => {
      // Locks are looked at every 4 s with this, by each of the two workers.
      const config = { timeoutMs: 4000, onUnknownOutcome };
      await using site = await installOnSteppingRedis({ config, api: { latencyMs: 3000 } });
      site.startWorker();
      let stored = 0;
      for (let step = 1; step <= 3; step += 1) {
        await site.producer.enqueueMessages(Array.from({ length: 20 }, (_, c) => textMessage(`c${c}`, 1, `p${step}`)));
        stored += 20;
        await eventually('the API holds all requests', () => site.api.report().requests >= stored);
        await site.stepClock(TEN_MINUTES_MS);
        await eventually('all are answered and told', () => site.attempts.length >= stored);
      }
      expect(new Set(site.attempts.map(({ next }) => next))).toEqual(new Set(['delivered']));
      expect(await site.deadLetters.count()).toBe(0);
      expect(site.api.report()).toMatchObject({ requests: stored, accepted: stored, duplicates: { count: 0 } });
    },
  );
});
