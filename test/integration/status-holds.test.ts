import { describe, expect, it } from 'vitest';
import type { HoldTarget } from '../../src/shared/lanes/holds/hold.ts';
import type { Status } from '../../src/shared/reading/status.ts';
import type { Fault } from '../../src/testing/index.ts';
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

  it('shows until when the API holds a page, and no end that has passed', async () => {
    const limit = (pageId: string, retryAfter: number): Fault => ({
      kind: 'status',
      status: 429,
      retryAfter,
      times: 3,
      match: { pageId },
    });
    await using to = await installWithHolds(used, { api: { faults: [limit('p1', 600), limit('p2', 1)] } });
    const before = Date.now();
    const storeThree = async (page: string): Promise<string[]> =>
      await Promise.all(['c1', 'c2', 'c3'].map((conversation) => to.enqueue(textMessage(conversation, 1, page))));
    for (const id of await storeThree('p1')) await to.until(id, 'held');
    // The success shows that it isn't the limit of the key.
    await to.until(await to.enqueue(textMessage('c1', 1, 'p3')), 'delivered');
    for (const id of await storeThree('p2')) await to.until(id, 'delivered');
    // One that comes later is held by its page.
    const later = await to.enqueue(textMessage('other', 1, 'p1'));
    await to.until(later, 'held');
    const { holds, queued } = await eventually('all of p1 are put off', async () => {
      const found = await to.status();
      return found.held === 4 && found;
    });
    const isoTime = expect.stringMatching(/^2.*Z$/) as string;
    const hold = { scope: 'page', reason: 'rate-limited', since: isoTime, isPaced: true } as const;
    expect(holds).toEqual([
      { ...hold, page: 'p1', evidence: 'HTTP 429 from 3 conversations of page p1', until: isoTime },
      { ...hold, page: 'p2', evidence: 'HTTP 429 from 3 conversations of page p2' },
    ]);
    const until = Date.parse(holds[0]?.until ?? '');
    expect(until).toBeGreaterThanOrEqual(before + 600_000 - 1);
    expect(until).toBeLessThan(before + 620_000);
    expect(queued).toBe(0);
    const record = await to.producer.getMessage(later);
    expect(Date.parse(record?.nextAttemptAt ?? '')).toBeGreaterThanOrEqual(until);
  });

  it('holds no page for a limit of one conversation', async () => {
    await using to = await installWithHolds(used, {
      api: { faults: [{ kind: 'status', status: 429, retryAfter: 600, match: { conversationId: 'limited' } }] },
    });
    const id = await to.enqueue(textMessage('limited', 1));
    await to.until(id, 'held');
    await to.until(await to.enqueue(textMessage('c1', 1)), 'delivered');
    expect(await to.status()).toMatchObject({ held: 1, queued: 0 });
    expect(await holdsOf(to)).toMatchObject([
      {
        scope: 'conversation',
        page: 'p1',
        conversation: 'limited',
        reason: 'rate-limited',
        evidence: 'HTTP 429: rate limit',
      },
    ]);
  });

  it('shows that the key is refused', async () => {
    await using to = await installWithHolds(used, { api: { apiKeys: ['another'] } });
    await to.until(await to.enqueue(textMessage('c1', 1)), 'held');
    expect(await holdsOf(to)).toMatchObject([
      { scope: 'key', reason: 'unauthorized', evidence: 'HTTP 401', keySource: 'KITECHAT_API_KEY' },
    ]);
  });

  it('shows that the API is down', async () => {
    await using to = await installWithHolds(used, { api: { faults: [{ kind: 'status', status: 500 }] } });
    for (let n = 0; n < 20; n += 1) await to.enqueue(textMessage(`c${n}`, 1));
    expect(await holdsOf(to)).toMatchObject([
      {
        scope: 'api',
        reason: 'api-down',
        evidence: expect.stringMatching(/^HTTP 500 from \d+ conversations$/) as string,
      },
    ]);
  });

  it('shows that the API refuses everything', async () => {
    await using to = await installWithHolds(used, { api: { faults: [{ kind: 'status', status: 404 }] } });
    for (let n = 0; n < 40; n += 1) await to.enqueue(textMessage(`c${n}`, 1, `p${n % 4}`));
    expect(await holdsOf(to)).toMatchObject([
      { scope: 'api', reason: 'refusing', evidence: 'HTTP 404 from 20 conversations' },
    ]);
  });

  it('counts scheduled messages by themselves until they are due, and does not take them for old', async () => {
    await using to = await installWithHolds(used, { startWorker: false });
    await to.enqueue({ ...textMessage('c1', 1), delayMs: HOUR_MS });
    const soon = await to.enqueue({ ...textMessage('c1', 2), delayMs: 4000 });
    expect(await to.status()).toMatchObject({ scheduled: 2, queued: 0, oldestQueuedMs: 0 });
    await to.enqueue(textMessage('c2', 1));
    const storedAt = performance.now();
    expect(await to.status()).toMatchObject({ scheduled: 2, queued: 1 });
    // No worker runs: nobody gives it its place, but its time has come.
    await to.until(soon, 'queued');
    expect(await to.status()).toMatchObject({ scheduled: 1, queued: 2 });
    const waitedMs = performance.now() - storedAt;
    const { oldestQueuedMs } = await to.status();
    // Both clocks count in whole milliseconds.
    expect(oldestQueuedMs).toBeGreaterThanOrEqual(Math.floor(waitedMs) - 1);
    expect(oldestQueuedMs).toBeLessThan(60_000);
  });

  it('tells that messages wait also after Redis’s clock was set back', async () => {
    await using to = await installWithHolds(used, { startWorker: false });
    const id = await to.enqueue(textMessage('c1', 1));
    await used.redis.zadd(`{${to.config.namespace}:0}:send:waiting-children`, Date.now() + HOUR_MS, id);
    expect(await to.status()).toMatchObject({ queued: 1, scheduled: 0, oldestQueuedMs: 1 });
  });

  it('counts first messages of a page that has to wait as held, and those in backoff as retrying', async () => {
    await using to = await installWithHolds(used, {
      config: { backoffMs: HOUR_MS, backoffMaxMs: HOUR_MS },
      api: {
        faults: [
          { kind: 'status', status: 500, match: { conversationId: 'fails' } },
          { kind: 'status', status: 429, retryAfter: 600 },
        ],
      },
    });
    await to.until(await to.enqueue(textMessage('fails', 1)), 'retrying');
    for (const conversation of ['c1', 'c2', 'c3']) {
      await to.until(await to.enqueue(textMessage(conversation, 1)), 'held');
    }
    await to.enqueue(textMessage('waits', 1));
    await to.enqueue(textMessage('waits', 2));
    await eventually('all are put off', async () => (await to.status()).held === 4);
    expect(await to.status()).toMatchObject({ held: 4, queued: 1, retrying: 1, sending: 0 });
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
