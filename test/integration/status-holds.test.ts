import { describe, expect, it } from 'vitest';
import type { HoldTarget } from '../../src/shared/lanes/holds/hold.ts';
import type { Status } from '../../src/shared/reading/status.ts';
import { eventually } from '../support/eventually.ts';
import { type HeldInstallation, installWithHolds } from '../support/held-installation.ts';
import { textMessage } from '../support/messages.ts';
import { useRedis } from '../support/use-redis.ts';

const HOUR_MS = 3_600_000;

const used = useRedis();

/** Two conversations with two messages each on p1, one with one on p2. */
async function storeFive(to: HeldInstallation): Promise<string[]> {
  const items = [
    textMessage('c1', 1),
    textMessage('c1', 2),
    textMessage('c2', 1),
    textMessage('c2', 2),
    textMessage('c1', 1, 'p2'),
  ];
  return await Promise.all(items.map((item) => to.enqueue(item)));
}

async function statusesOf(to: HeldInstallation, ids: readonly string[]): Promise<unknown[]> {
  return await Promise.all(ids.map(async (id) => (await to.producer.getMessage(id))?.status));
}

/** All holds, once there is one. */
async function holdsOf(to: HeldInstallation): Promise<Status['holds']> {
  return await eventually('a hold is shown', async () => {
    const { holds } = await to.status();
    return holds.length > 0 && holds;
  });
}

const targets: [string, HoldTarget, { held: number; queued: number }, string[]][] = [
  ['everything', {}, { held: 3, queued: 2 }, ['held', 'held', 'held', 'held', 'held']],
  ['a page', { page: 'p1' }, { held: 2, queued: 3 }, ['held', 'held', 'held', 'held', 'queued']],
  [
    'a conversation',
    { page: 'p1', conversation: 'c2' },
    { held: 1, queued: 4 },
    ['queued', 'queued', 'held', 'held', 'queued'],
  ],
];

describe.concurrent.each(targets)('with %s held by an operator', (_what, target, counts, statuses) => {
  const scope = ['all', 'page', 'conversation'][Object.keys(target).length];

  it('status counts the first message of each conversation as held, whether it was stored before or after', async () => {
    await using before = await installWithHolds(used, { startWorker: false });
    const ids = await storeFive(before);
    await before.hold(target);
    await using after = await installWithHolds(used, { startWorker: false });
    await after.hold(target);
    for (const [to, own] of [
      [before, ids],
      [after, await storeFive(after)],
    ] as const) {
      expect(await to.status()).toMatchObject({
        ...counts,
        sending: 0,
        retrying: 0,
        scheduled: 0,
        holds: [{ scope, ...target, reason: 'operator' }],
      });
      expect(await statusesOf(to, own)).toEqual(statuses);
      expect(await to.producer.getMessage(own[0] ?? '')).toMatchObject({ nextAttemptAt: null });
    }
  });

  it('a worker sends the others, and all of it when it is released', async () => {
    await using to = await installWithHolds(used);
    await to.hold(target);
    const ids = await storeFive(to);
    const free = ids.filter((_, n) => statuses[n] === 'queued');
    await Promise.all(free.map((id) => to.until(id, 'delivered')));
    const held = ids.length - free.length;
    await eventually('what is held is counted', async () => {
      const found = await to.status();
      return found.held === counts.held && found.queued === held - counts.held;
    });
    expect(to.api.accepted).toHaveLength(free.length);
    await to.release(target);
    await Promise.all(ids.map((id) => to.until(id, 'delivered')));
    expect(await to.status()).toMatchObject({ held: 0, queued: 0, holds: [] });
  });
});

describe.concurrent('status', () => {
  it('counts a message in backoff as held while its page or conversation is', async () => {
    await using to = await installWithHolds(used, {
      config: { backoffMs: HOUR_MS, backoffMaxMs: HOUR_MS },
      api: { faults: [{ kind: 'status', status: 500 }] },
    });
    const id = await to.enqueue(textMessage('c1', 1));
    await to.until(id, 'retrying');
    expect(await to.status()).toMatchObject({ held: 0, retrying: 1 });
    for (const target of [{}, { page: 'p1' }, { page: 'p1', conversation: 'c1' }]) {
      await to.hold(target);
      expect(await to.status()).toMatchObject({ held: 1, retrying: 0, queued: 0 });
      expect(await to.producer.getMessage(id)).toMatchObject({ status: 'held', nextAttemptAt: null });
      await to.release(target);
      expect(await to.status()).toMatchObject({ held: 0, retrying: 1, queued: 0 });
    }
  });

  it('counts no message twice that two operators hold, and shows both holds', async () => {
    await using to = await installWithHolds(used, { startWorker: false });
    await storeFive(to);
    for (const target of [{}, { page: 'p1' }, { page: 'p1', conversation: 'c1' }]) await to.hold(target);
    const { held, queued, holds } = await to.status();
    expect([held, queued]).toEqual([3, 2]);
    expect(holds.map(({ scope }) => scope)).toEqual(['all', 'page', 'conversation']);
    await to.release({});
    expect(await to.status()).toMatchObject({ held: 2, queued: 3 });
  });

  it('shows what stands in all shards once, and counts over all of them', async () => {
    await using to = await installWithHolds(used, { startWorker: false, config: { shards: 4 } });
    for (let page = 0; page < 20; page += 1) await to.enqueue(textMessage('c1', 1, `p${page}`));
    await to.hold({});
    await to.hold({ page: 'p7' });
    expect(await to.status()).toMatchObject({
      held: 20,
      queued: 0,
      oldestQueuedMs: 0,
      holds: [
        { scope: 'all', reason: 'operator' },
        { scope: 'page', page: 'p7', reason: 'operator' },
      ],
    });
  });

  it('shows until when the API holds a page, and not what has run out', async () => {
    await using to = await installWithHolds(used, {
      api: {
        faults: [
          { kind: 'status', status: 429, retryAfter: 1, times: 1, match: { conversationId: 'short' } },
          { kind: 'status', status: 429, retryAfter: 600, times: 1, match: { conversationId: 'long' } },
        ],
      },
    });
    const before = Date.now();
    const [long, short] = [
      await to.enqueue(textMessage('long', 1, 'p1')),
      await to.enqueue(textMessage('short', 1, 'p2')),
    ];
    await to.until(long, 'held');
    await to.until(short, 'delivered');
    // One that comes later is held by its page.
    const later = await to.enqueue(textMessage('other', 1, 'p1'));
    await to.until(later, 'held');
    await eventually('both are put off', async () => (await to.status()).held === 2);
    const { holds, queued } = await to.status();
    const until = Date.parse(holds[0]?.until ?? '');
    expect(holds).toEqual([
      { scope: 'page', page: 'p1', reason: 'rate-limited', until: new Date(until).toISOString() },
    ]);
    expect(until).toBeGreaterThanOrEqual(before + 600_000 - 1);
    expect(until).toBeLessThan(before + 620_000);
    expect(queued).toBe(0);
    const record = await to.producer.getMessage(later);
    expect(Date.parse(record?.nextAttemptAt ?? '')).toBe(until);
  });

  it('shows that the key is refused', async () => {
    await using to = await installWithHolds(used, { api: { apiKeys: ['another'] } });
    await to.until(await to.enqueue(textMessage('c1', 1)), 'held');
    expect(await holdsOf(to)).toMatchObject([{ scope: 'key', reason: 'unauthorized' }]);
  });

  it('shows that the API is down', async () => {
    await using to = await installWithHolds(used, { api: { faults: [{ kind: 'status', status: 500 }] } });
    for (let n = 0; n < 20; n += 1) await to.enqueue(textMessage(`c${n}`, 1));
    expect(await holdsOf(to)).toMatchObject([{ scope: 'api', reason: 'api-down' }]);
  });

  it('counts scheduled messages by themselves until they are due, and does not take them for old', async () => {
    await using to = await installWithHolds(used, { startWorker: false });
    await to.enqueue({ ...textMessage('c1', 1), delayMs: HOUR_MS });
    const soon = await to.enqueue({ ...textMessage('c1', 2), delayMs: 500 });
    expect(await to.status()).toMatchObject({ scheduled: 2, queued: 0, oldestQueuedMs: 0 });
    await to.enqueue(textMessage('c2', 1));
    expect(await to.status()).toMatchObject({ scheduled: 2, queued: 1 });
    // No worker runs: nobody gives it its place, but its time has come.
    await to.until(soon, 'queued');
    expect(await to.status()).toMatchObject({ scheduled: 1, queued: 2 });
    const { oldestQueuedMs } = await to.status();
    expect(oldestQueuedMs).toBeGreaterThanOrEqual(200);
    expect(oldestQueuedMs).toBeLessThan(60_000);
  });

  it('tells that messages wait also after Redis’s clock was set back', async () => {
    await using to = await installWithHolds(used, { startWorker: false });
    const id = await to.enqueue(textMessage('c1', 1));
    await used.redis.zadd(`{${to.config.namespace}:0}:send:waiting-children`, Date.now() + HOUR_MS, id);
    expect(await to.status()).toMatchObject({ queued: 1, scheduled: 0, oldestQueuedMs: 1 });
  });

  it('counts all first messages of a page that the API holds as held, also those in backoff', async () => {
    await using to = await installWithHolds(used, {
      config: { backoffMs: HOUR_MS, backoffMaxMs: HOUR_MS },
      api: {
        faults: [
          { kind: 'status', status: 500, match: { conversationId: 'fails' } },
          { kind: 'status', status: 429, retryAfter: 600, match: { conversationId: 'limited' } },
        ],
      },
    });
    await to.until(await to.enqueue(textMessage('fails', 1)), 'retrying');
    await to.until(await to.enqueue(textMessage('limited', 1)), 'held');
    await to.enqueue(textMessage('waits', 1));
    await to.enqueue(textMessage('waits', 2));
    const counts = await eventually('nothing is under way', async () => {
      const found = await to.status();
      return found.sending === 0 && found;
    });
    expect(counts).toMatchObject({ held: 3, queued: 1, retrying: 0 });
  });

  it('counts those that wait for a slot of a limit as queued, and tells for how long', async () => {
    await using to = await installWithHolds(used, { config: { pageRateLimit: '1/h' } });
    await to.until(await to.enqueue(textMessage('c1', 1)), 'delivered');
    const ids = [await to.enqueue(textMessage('c2', 1)), await to.enqueue(textMessage('c3', 1))];
    const { oldestQueuedMs } = await eventually('the oldest has waited', async () => {
      const found = await to.status();
      expect(found).toMatchObject({ retrying: 0, held: 0 });
      return found.queued === 2 && found.oldestQueuedMs > 300 && found;
    });
    expect(oldestQueuedMs).toBeLessThan(60_000);
    expect(await statusesOf(to, ids)).toEqual(['queued', 'queued']);
  });

  it('has no part in its counts for what was cancelled', async () => {
    await using to = await installWithHolds(used, { startWorker: false });
    const ids = await storeFive(to);
    for (const id of ids.slice(0, 3)) await to.producer.cancelMessage(id);
    expect(await to.status()).toMatchObject({ queued: 2, held: 0, sending: 0, dead: 0, scheduled: 0 });
  });
});
