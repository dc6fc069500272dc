import { describe, expect, it } from 'vitest';
import { readFleet } from '../../src/shared/lanes/fleet/facts.ts';
import { writeLimits } from '../../src/shared/lanes/fleet/limits.ts';
import { describeHolds, type Hold } from '../../src/shared/reading/holds.ts';
import type { FakeKitechat } from '../../src/testing/index.ts';
import { eventually } from '../support/eventually.ts';
import { manyMessages, textMessage } from '../support/messages.ts';
import { useRedis } from '../support/use-redis.ts';
import { install, type Installation } from '../support/worker.ts';

describe('what keeps messages back', () => {
  const used = useRedis();

  const namespaceOf = ({ config }: Installation): string => config.namespace ?? '';
  const circuitsOf = async (site: Installation): Promise<string[]> =>
    (await readFleet(used.redis, namespaceOf(site))).open.map(({ field }) => field);
  const holdsOf = async (site: Installation): Promise<Hold[]> =>
    describeHolds([], await readFleet(used.redis, namespaceOf(site)));
  const requestsOf = (
    { api }: Installation,
    isMeant: (request: { pageId: string; conversationId: string }) => boolean,
  ): FakeKitechat['requests'] =>
    api.requests.filter(({ body }) => isMeant(body as { pageId: string; conversationId: string }));
  const allAccepted = async ({ api }: Installation, count: number): Promise<void> => {
    await api.waitForAccepted(count, { timeoutMs: 100_000 });
    const report = api.report();
    expect([report.outOfOrder.count, report.duplicates.count]).toEqual([0, 0]);
  };

  it('a 429 holds only its own conversation for the Retry-After', async () => {
    await using site = await install(used, {
      api: { faults: [{ kind: 'status', status: 429, retryAfter: 2, times: 1, match: { conversationId: 'c1' } }] },
    });
    const limited = await site.enqueue(textMessage('c1', 1));
    await site.until(limited, 'held');
    const next = await site.enqueue(textMessage('c1', 2));
    const others = await Promise.all([2, 3, 4].map((n) => site.enqueue(textMessage(`c${n}`, 1))));
    for (const id of others) await site.until(id, 'delivered');
    expect((await site.producer.getMessage(next))?.status).toBe('queued');
    expect(await holdsOf(site)).toEqual([]);
    for (const id of [limited, next]) await site.until(id, 'delivered');
    const [first, second] = requestsOf(site, ({ conversationId }) => conversationId === 'c1');
    expect((second?.arrivedAt ?? 0) - (first?.answeredAt ?? 0)).toBeGreaterThanOrEqual(1990);
  });

  it('three 429 hold their page for the Retry-After, and no other page; then its messages leave at a pace', async () => {
    await using site = await install(used, {
      api: { faults: [{ kind: 'status', status: 429, retryAfter: 2, times: 3, match: { pageId: 'p1' } }] },
    });
    const limited = await Promise.all([1, 2, 3].map((n) => site.enqueue(textMessage(`c${n}`, 1))));
    const [hold] = await eventually('the page is held', async () => {
      const holds = await holdsOf(site);
      return holds.length > 0 && holds;
    });
    expect(hold).toMatchObject({
      scope: 'page',
      page: 'p1',
      reason: 'rate-limited',
      evidence: 'HTTP 429 from 3 conversations of page p1',
      isPaced: true,
    });
    const { since = '', until = '' } = hold ?? {};
    expect(Date.parse(until) - Date.parse(since)).toBe(2000);
    const others = await Promise.all([4, 5, 6].map((n) => site.enqueue(textMessage(`c${n}`, 1))));
    const free = await site.enqueue(textMessage('c1', 1, 'p2'));
    await site.until(free, 'delivered');
    for (const id of [...limited, ...others]) await site.until(id, 'delivered');
    const ofPage = requestsOf(site, ({ pageId }) => pageId === 'p1');
    const lastRefusal = Math.max(...ofPage.slice(0, 3).map(({ answeredAt }) => answeredAt ?? 0));
    const later = ofPage.slice(3).map(({ arrivedAt }) => arrivedAt);
    expect(later).toHaveLength(6);
    expect((later[0] ?? 0) - lastRefusal).toBeGreaterThanOrEqual(1990);
    // Ten a second at first, and a little more with every message.
    expect((later[5] ?? 0) - (later[0] ?? 0)).toBeGreaterThan(300);
  });

  it.each([
    ['429', { status: 429, retryAfter: 0 }],
    ['503 that says limit', { status: 503, body: 'request limit exceeded' }],
    ['503', { status: 503 }],
  ])('ten times %s in a row use no attempt', async (_what, answer) => {
    await using site = await install(used, {
      config: { attempts: 2 },
      api: { faults: [{ kind: 'status', ...answer, times: 10 }] },
    });
    const id = await site.enqueue(textMessage('c1', 1));
    const record = await site.until(id, 'delivered');
    expect(record.attemptsUsed).toBe(0);
    expect(record.attempts.map(({ outcome }) => outcome)).toEqual([
      ...Array.from({ length: 10 }, () => 'held'),
      'delivered',
    ]);
  });

  it.concurrent.each([
    ['500 to everything', { kind: 'status', status: 500 } as const, {}],
    ['500 to everything, under a limit', { kind: 'status', status: 500 } as const, { rateLimit: '100/s burst 10' }],
    ['no answer to anything', { kind: 'hang', accept: false } as const, { timeoutMs: 1500 }],
  ])(
    'an API that gives %s is left alone: attempts are not used up, and all goes on when it is back',
    async (_, fault, settings) => {
      await using site = await install(used, {
        config: { attempts: 3, backoffMs: 1, backoffMaxMs: 5, concurrency: 20, ...settings },
        api: { faults: [fault] },
      });
      await site.producer.enqueueMessages(manyMessages(60, 3));
      await eventually('the circuit is open', async () => (await circuitsOf(site)).includes('failing api'));
      const seen = site.api.requests.length;
      await eventually('some probes failed', () => site.api.requests.length >= seen + 2);
      expect(await site.deadLetters.count()).toBe(0);
      site.api.setFaults([]);
      await allAccepted(site, 180);
      await eventually('the circuit is closed', async () => (await circuitsOf(site)).length === 0);
      expect(await site.deadLetters.count()).toBe(0);
    },
  );

  it('a message that alone fails again and again stops no other', async () => {
    await using site = await install(used, {
      config: { attempts: 40 },
      api: { faults: [{ kind: 'status', status: 500, match: { conversationId: 'c0' } }] },
    });
    const id = await site.enqueue(textMessage('c0', 1));
    await eventually('it failed more often than the circuit takes', () => site.attempts.length >= 8);
    expect(await circuitsOf(site)).toEqual([]);
    await site.until(id, 'retrying');
    const next = await site.enqueue(textMessage('c1', 1));
    await site.until(next, 'delivered');
  });

  it('a refused key holds its own pages, with few requests, and another key is tried at once', async () => {
    const keys = new Map([
      ['p1', 'old'],
      ['p2', 'good'],
    ]);
    await using site = await install(used, {
      config: { attempts: 1 },
      api: { apiKeys: ['good', 'new'] },
      hooks: { resolveApiKey: (pageId) => keys.get(pageId) },
    });
    const refused = await site.producer.enqueueMessages(Array.from({ length: 30 }, (_, n) => textMessage(`c${n}`, 1)));
    await eventually('the key is held', async () =>
      (await circuitsOf(site)).some((field) => field.startsWith('unauthorized key:')),
    );
    const free = await site.enqueue(textMessage('c1', 1, 'p2'));
    await site.until(free, 'delivered');
    expect(JSON.stringify(await used.redis.hgetall(`{${namespaceOf(site)}:fleet}:held`))).not.toContain('old');
    keys.set('p1', 'new');
    for (const { id } of refused) await site.until(id, 'delivered');
    // As if it had been a minute ago: nobody uses the old key any more.
    const circuits = `{${namespaceOf(site)}:fleet}:held`;
    for (const [old, json] of Object.entries(await used.redis.hgetall(circuits))) {
      await used.redis.hset(circuits, old, JSON.stringify({ ...JSON.parse(json), probeAt: Date.now() - 61_000 }));
    }
    await eventually('its circuit is forgotten', async () => (await circuitsOf(site)).length === 0);
    expect(site.api.requests.filter(({ headers }) => headers['apikey'] === 'old').length).toBeLessThan(40);
  });

  it('a limit that is set at run time counts within seconds, and so does its end', async () => {
    await using site = await install(used, { config: { rateLimit: '1/h' } });
    const receipts = await site.producer.enqueueMessages(manyMessages(20, 2));
    await allAccepted(site, 1);
    await writeLimits(used.redis, namespaceOf(site), { rate: '50/s burst 5' });
    await allAccepted(site, 20);
    await writeLimits(used.redis, namespaceOf(site), { rate: 'none' });
    await allAccepted(site, receipts.length);
    expect(site.api.accepted).toHaveLength(receipts.length);
  });

  it("a page's limit leaves the other pages alone", async () => {
    await using site = await install(used, { config: { pageRateLimit: '1/h' } });
    await site.producer.enqueueMessages(manyMessages(6, 1, 3));
    await allAccepted(site, 3);
    expect(new Set(site.api.accepted.map(({ pageId }) => pageId))).toEqual(new Set(['p0', 'p1', 'p2']));
    await writeLimits(used.redis, namespaceOf(site), { pageRate: 'none' });
    await allAccepted(site, 6);
  });
});
