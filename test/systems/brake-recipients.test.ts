import { describe, expect, it } from 'vitest';
import type { EnqueueItem } from '../../src/producer/index.ts';
import type { FrontAnswer, FrontRequest } from '../support/api/front.ts';
import { disorderIn, installBehindFront, recipients, type SiteBehindFront } from '../support/brake/behind-front.ts';
import { offerEvenly } from '../support/brake/offered.ts';
import { eventually } from '../support/eventually.ts';
import { textMessage } from '../support/messages.ts';
import { useRedis } from '../support/use-redis.ts';

const HEALTHY = 270;
const BLOCKED = 30;
const BLOCKED_ANSWER: FrontAnswer = { status: 403, body: '{"error":"user blocked the conversation"}' };

const isNamed =
  (name: string) =>
  ({ conversationId }: { conversationId: string }): boolean =>
    conversationId.startsWith(name);

async function waitForDead(site: SiteBehindFront, count: number): Promise<(string | null)[]> {
  await eventually(`${count} are dead`, async () => (await site.deadLetters.count()) === count);
  return [...new Set(site.attempts.filter(({ next }) => next === 'dead').map(({ reason }) => reason))];
}

describe('recipients that are refused, and messages that fail', () => {
  const used = useRedis();

  async function msOf(items: readonly EnqueueItem[], answerOf: (request: FrontRequest) => FrontAnswer | undefined) {
    await using site = await installBehindFront(used, answerOf);
    const startedAt = performance.now();
    await site.producer.enqueueMessages([...items]);
    await site.fake.waitForAccepted(HEALTHY, { timeoutMs: 60_000 });
    const ms = performance.now() - startedAt;
    const dead = items.length - HEALTHY;
    const reasons = dead > 0 ? await waitForDead(site, dead) : [];
    expect(disorderIn(site.fake)).toEqual([0, 0]);
    expect(site.attempts.filter(({ outcome }) => outcome === null)).toEqual([]);
    return { ms, reasons };
  }

  it.each([
    ['all come first, on one page', 1, (healthy: EnqueueItem[], blocked: EnqueueItem[]) => [...blocked, ...healthy]],
    ['all come last', 4, (healthy: EnqueueItem[], blocked: EnqueueItem[]) => [...healthy, ...blocked]],
    [
      'stand among the others',
      4,
      (healthy: EnqueueItem[], blocked: EnqueueItem[]) =>
        healthy.flatMap((one, n) => (n % 9 === 0 ? [one, ...blocked.slice(n / 9, n / 9 + 1)] : [one])),
    ],
  ])('30 of 300 that answer 403 and %s end as rejected and delay nobody', async (_, pages, mix) => {
    const healthy = recipients(HEALTHY, pages);
    const control = await msOf(healthy, () => undefined);
    const mixed = mix(healthy, recipients(BLOCKED, pages, 'blocked'));
    const isBlocked = isNamed('blocked');
    const tried = await msOf(mixed, (request) => (isBlocked(request) ? BLOCKED_ANSWER : undefined));
    expect(tried.reasons).toEqual(['rejected']);
    expect(tried.ms).toBeLessThan(Math.max(3000, 1.5 * control.ms));
  });

  it('a key that is refused for good with 403 kills nothing, and all goes on when it works again', async () => {
    await using site = await installBehindFront(used, () => ({ status: 403, body: '{"error":"invalid key"}' }));
    await site.producer.enqueueMessages(recipients(300, 4));
    const holds = async (): Promise<Record<string, string>> =>
      await used.redis.hgetall(`{${site.config.namespace}:fleet}:held`);
    await eventually('the key is held', async () =>
      Object.keys(await holds()).some((field) => field.startsWith('forbidden key:')),
    );
    const seen = site.front.requests.length;
    await eventually('a probe was refused', () => site.front.requests.length > seen);
    expect(await site.deadLetters.count()).toBe(0);
    site.front.answer(() => undefined);
    await site.fake.waitForAccepted(300, { timeoutMs: 60_000 });
    expect(disorderIn(site.fake)).toEqual([0, 0]);
    expect(await site.deadLetters.count()).toBe(0);
  });

  it.each([
    ['one page of their own', () => 'poison'],
    ['the live page', () => 'live'],
    ['a page each', (n: number) => `poison${n}`],
  ])('20 messages that always fail on %s delay nobody else, and end as exhausted', async (_, pageOf) => {
    const isPoison = isNamed('poison');
    const config = { attempts: 4, backoffMs: 300 };
    await using site = await installBehindFront(
      used,
      (request) => (isPoison(request) ? { status: 500 } : undefined),
      config,
    );
    let live = 0;
    const p95 = async (): Promise<number> => {
      const took: Promise<number>[] = [];
      await offerEvenly({ count: 100, perSecond: 25 }, async () => {
        const at = performance.now();
        live += 1;
        await site.enqueue(textMessage(`c${live}`, 1, 'live'));
        took.push(site.fake.waitForAccepted(live, { timeoutMs: 60_000 }).then(() => performance.now() - at));
      });
      return (await Promise.all(took)).toSorted((one, other) => one - other)[95] ?? Infinity;
    };
    const alone = await p95();
    await site.producer.enqueueMessages(Array.from({ length: 20 }, (__, n) => textMessage(`poison${n}`, 1, pageOf(n))));
    const beside = await p95();
    // The floor keeps a busy machine from being taken for a brake: a hold lasts a second.
    expect(beside).toBeLessThan(Math.max(1.5 * alone, 200));
    expect(await waitForDead(site, 20)).toEqual(['exhausted']);
  });
});
