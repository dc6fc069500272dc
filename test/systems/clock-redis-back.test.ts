import { describe, expect, it, vi } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { expectAccepted, expectPaceKept, expectSentOnceInOrder } from '../support/expect-deliveries.ts';
import { installInMidSend, type LimitedSite, limitedSites, PAUSE_MS } from '../support/limited-sites.ts';
import { manyMessages, textMessage } from '../support/messages.ts';
import { installOnSteppingRedis, TEN_MINUTES_MS } from '../support/stepping-site.ts';

vi.setConfig({ maxConcurrency: 3 });

const LONGEST_CIRCUIT_PAUSE_MS = 15_000;

describe.concurrent('when the clock of Redis steps ten minutes back', () => {
  it.each<LimitedSite>([
    ...limitedSites,
    { limit: 'of the fleet and of its pages', config: { rateLimit: '20/s', pageRateLimit: '10/s' }, pages: 4 },
  ])('messages under a limit $limit go on within two seconds, at its pace', async (limited) => {
    await using site = await installInMidSend(limited);
    await site.stepClock(-TEN_MINUTES_MS);
    const before = site.api.accepted.length;
    await expectAccepted(site, before + 20, PAUSE_MS + 1000);
    await expectAccepted(site, 160, 7000);
    expectPaceKept(site, 20, { steps: 1 });
    expectSentOnceInOrder(site);
  });

  it('an open circuit lets its probes through, and closes when the API is back', async () => {
    await using site = await installOnSteppingRedis({ api: { faults: [{ kind: 'status', status: 500 }] } });
    await site.producer.enqueueMessages(manyMessages(20, 1));
    await eventually('the circuit is open', async () => {
      return (await site.status()).holds.some((hold) => hold.scope === 'api');
    });
    await site.stepClock(-TEN_MINUTES_MS);
    site.api.setFaults([]);
    await expectAccepted(site, 20, LONGEST_CIRCUIT_PAUSE_MS);
  });

  it('a message in backoff is tried again when its backoff is over', async () => {
    const config = { backoffMs: 2000, backoffMaxMs: 2000 };
    await using site = await installOnSteppingRedis({ config, api: { faults: [{ kind: 'status', status: 500 }] } });
    await site.until(await site.enqueue(textMessage('c1', 1)), 'retrying');
    await site.stepClock(-TEN_MINUTES_MS);
    site.api.setFaults([]);
    await expectAccepted(site, 1, 2000);
  });

  it('a page that the API holds is sent to when the hold is over', async () => {
    await using site = await installOnSteppingRedis({
      api: { faults: [{ kind: 'status', status: 429, retryAfter: 3, times: 1 }] },
    });
    await site.until(await site.enqueue(textMessage('c1', 1)), 'held');
    await site.enqueue(textMessage('c2', 1));
    await site.stepClock(-TEN_MINUTES_MS);
    await expectAccepted(site, 2, 3000);
  });

  it('messages that wait are not said to have waited for no time', async () => {
    await using site = await installOnSteppingRedis({ config: { rateLimit: '1/s' } });
    await site.producer.enqueueMessages(manyMessages(40, 1));
    await site.api.waitForAccepted(2);
    await site.stepClock(-TEN_MINUTES_MS);
    const { queued, oldestQueuedMs } = await site.status();
    expect(queued).toBeGreaterThan(30);
    expect(oldestQueuedMs).toBeGreaterThan(0);
  });

  it('nor is a message that no worker takes', async () => {
    await using site = await installOnSteppingRedis({ startWorker: false });
    await site.enqueue(textMessage('c1', 1));
    await site.stepClock(-TEN_MINUTES_MS);
    expect((await site.status()).oldestQueuedMs).toBeGreaterThan(0);
  });

  it('a delay that is asked for after it is as long as it says', async () => {
    await using site = await installOnSteppingRedis();
    await site.until(await site.enqueue(textMessage('c1', 1)), 'delivered');
    await site.stepClock(-TEN_MINUTES_MS);
    await site.enqueue({ ...textMessage('c1', 2), delayMs: 1000 });
    await expectAccepted(site, 2, 1000);
  });
});
