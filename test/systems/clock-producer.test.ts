import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EnqueueItem } from '../../src/producer/index.ts';
import { eventually } from '../support/eventually.ts';
import { installWithHolds } from '../support/held-installation.ts';
import { textMessage } from '../support/messages.ts';
import { type ShiftedProducer, startShiftedProducer } from '../support/shifted-producer.ts';
import { useRedis } from '../support/use-redis.ts';
import { install, type Installation } from '../support/worker.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

type Clock = 'right' | 'five minutes ahead' | 'an hour ahead' | 'an hour behind';
const clocks: Record<Clock, number> = {
  right: 0,
  'five minutes ahead': 5 * MINUTE_MS,
  'an hour ahead': HOUR_MS,
  'an hour behind': -HOUR_MS,
};

const used = useRedis();
const stack = new AsyncDisposableStack();
const producers = new Map<Clock, ShiftedProducer>();
beforeAll(async () => {
  for (const [clock, aheadMs] of Object.entries(clocks) as [Clock, number][]) {
    producers.set(clock, stack.use(await startShiftedProducer(aheadMs)));
  }
});
afterAll(async () => await stack.disposeAsync());

async function store({ config }: Installation, clock: Clock, ...items: EnqueueItem[]): Promise<string[]> {
  return (await producers.get(clock)?.store(config, items)) ?? [];
}

/** Stores `each` messages of every conversation for the same moment, through two producers whose clocks are five minutes apart. */
async function storeInTurns(
  site: Installation,
  { conversations, each, inMs }: { conversations: number; each: number; inMs: number | null },
): Promise<void> {
  const dueAtMs = inMs === null ? null : Date.now() + inMs;
  const due = dueAtMs === null ? {} : { sendAt: new Date(dueAtMs).toISOString() };
  for (let n = 1; n <= each; n += 1) {
    const items = Array.from({ length: conversations }, (_, c) => ({
      ...textMessage(`c${c}`, n, `p${c % 4}`),
      ...due,
    }));
    // One call after the other has ended: that is the order in which they are stored.
    await store(site, n % 2 === 0 ? 'right' : 'five minutes ahead', ...items);
  }
  if (dueAtMs !== null) expect(Date.now(), 'all are stored before they are due').toBeLessThan(dueAtMs);
}

async function expectAllInOrder({ api }: Installation, messages: number): Promise<void> {
  await eventually('all are delivered', () => api.report().accepted >= messages, 40_000);
  expect(api.report()).toMatchObject({ accepted: messages, outOfOrder: { count: 0 }, duplicates: { count: 0 } });
}

describe.concurrent('two producers whose clocks are five minutes apart', () => {
  it('have the messages of a conversation sent in the order in which they were stored', async () => {
    await using site = await install(used);
    await storeInTurns(site, { conversations: 1, each: 20, inMs: null });
    await expectAllInOrder(site, 20);
  });

  it('have those that are due at the same moment sent in the order in which they were stored', async () => {
    await using site = await install(used);
    await storeInTurns(site, { conversations: 1, each: 20, inMs: 5000 });
    await expectAllInOrder(site, 20);
  });

  it('have 5,000 of 50 conversations that are due at the same moment sent in the order of each', async () => {
    await using site = await install(used);
    await storeInTurns(site, { conversations: 50, each: 100, inMs: 20_000 });
    await expectAllInOrder(site, 5000);
  });
});

describe.concurrent.each(['an hour ahead', 'an hour behind'] as const)('a producer whose clock is %s', (clock) => {
  async function storeOne(site: Installation, item: EnqueueItem): Promise<string> {
    const [id = ''] = await store(site, clock, item);
    return id;
  }

  it('has a delay counted by the clock of Redis', async () => {
    await using site = await install(used);
    const storedAt = performance.now();
    const id = await storeOne(site, { ...textMessage('c1', 1), delayMs: 3000 });
    const record = await site.until(id, 'scheduled');
    const dueInMs = Date.parse('nextAttemptAt' in record ? (record.nextAttemptAt ?? '') : '') - Date.now();
    expect(dueInMs).toBeGreaterThan(0);
    expect(dueInMs).toBeLessThanOrEqual(3001);
    await site.until(id, 'delivered');
    expect(performance.now() - storedAt).toBeGreaterThanOrEqual(2999);
    expect(performance.now() - storedAt).toBeLessThan(60_000);
  });

  it('has a time to send at taken as it is said', async () => {
    await using site = await install(used);
    const soon = Date.now() + 3000;
    const later = await storeOne(site, { ...textMessage('c1', 2), sendAt: new Date(soon).toISOString() });
    const past = await storeOne(site, { ...textMessage('c1', 1), sendAt: new Date(soon - 4000).toISOString() });
    await site.until(past, 'delivered');
    expect(Date.now()).toBeLessThan(soon);
    await site.until(later, 'delivered');
    expect(Date.now()).toBeGreaterThanOrEqual(soon - 1);
    expect(Date.now()).toBeLessThan(soon + 60_000);
  });

  it('has a TTL counted by the clock of Redis', async () => {
    await using site = await install(used, { startWorker: false });
    const long = await storeOne(site, { ...textMessage('c1', 1), ttlMs: MINUTE_MS });
    const short = await storeOne(site, { ...textMessage('c2', 1), ttlMs: 500 });
    const storedAt = performance.now();
    await eventually('the short one is over', () => performance.now() - storedAt > 600);
    site.startWorker();
    expect(await site.until(short, 'dead')).toMatchObject({ reason: 'expired' });
    await site.until(long, 'delivered');
  });

  it('tells by the clock of Redis since when a message waits', async () => {
    await using site = await installWithHolds(used, { startWorker: false });
    const before = Date.now();
    const id = await storeOne(site, textMessage('c1', 1));
    const { enqueuedAt } = await site.until(id, 'queued');
    const atMs = Date.parse(enqueuedAt);
    expect(atMs).toBeGreaterThanOrEqual(before - 1);
    expect(atMs).toBeLessThanOrEqual(Date.now() + 1);
    const { oldestQueuedMs } = await site.status();
    expect(oldestQueuedMs).toBeLessThanOrEqual(Date.now() - before + 1);
    await eventually('it has waited for a moment', async () => (await site.status()).oldestQueuedMs >= 100);
  });
});
