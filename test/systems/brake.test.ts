import { describe, expect, it } from 'vitest';
import type { EnqueueItem } from '../../src/producer/index.ts';
import { type FakeKitechat, startFakeKitechat } from '../../src/testing/index.ts';
import { type Front, type FrontAnswer, type FrontRequest, openFront } from '../support/api/front.ts';
import { startNginx } from '../support/nginx.ts';
import { eventually } from '../support/eventually.ts';
import { textMessage } from '../support/messages.ts';
import type { Settings } from '../support/settings.ts';
import { useRedis } from '../support/use-redis.ts';
import { install, type Installation } from '../support/worker.ts';

interface Site extends Installation {
  front: Front;
  fake: FakeKitechat;
}

/** One message for each of some recipients, over some pages. */
function recipients(count: number, pages: number, named = 'c'): EnqueueItem[] {
  return Array.from({ length: count }, (_, n) => textMessage(`${named}${n}`, 1, `p${n % pages}`));
}

/** Allows so many requests in each second since the first one, for the whole account. */
function accountLimit(perSecond: number, answer: FrontAnswer): () => FrontAnswer | undefined {
  let second = -1;
  let count = 0;
  return () => {
    const now = Math.floor(performance.now() / 1000);
    if (now !== second) [second, count] = [now, 0];
    count += 1;
    return count > perSecond ? answer : undefined;
  };
}

/** A bucket with so many tokens that fills evenly. */
function tokenBucket(perSecond: number, size: number, answer: FrontAnswer): () => FrontAnswer | undefined {
  let tokens = size;
  let at = performance.now();
  return () => {
    const now = performance.now();
    tokens = Math.min(size, tokens + ((now - at) / 1000) * perSecond);
    at = now;
    if (tokens < 1) return answer;
    tokens -= 1;
    return undefined;
  };
}

describe('a brake as wide as its evidence', () => {
  const used = useRedis();

  async function open(
    answerOf: (request: FrontRequest) => FrontAnswer | undefined,
    config: Settings = {},
  ): Promise<Site> {
    const fake = await startFakeKitechat({});
    const front = await openFront(fake.url, answerOf);
    const defaults = { backoffMs: 1000, backoffMaxMs: 300_000 };
    const site = await install(used, { config: { ...defaults, ...config, apiUrl: front.url } });
    return {
      ...site,
      front,
      fake,
      async [Symbol.asyncDispose]() {
        await site[Symbol.asyncDispose]();
        await front[Symbol.asyncDispose]();
        await fake[Symbol.asyncDispose]();
      },
    };
  }

  const isBlocked = ({ conversationId }: { conversationId: string }): boolean => conversationId.startsWith('blocked');

  it.each([
    ['first', 1, (healthy: EnqueueItem[], blocked: EnqueueItem[]) => [...blocked, ...healthy]],
    [
      'among the others',
      4,
      (healthy: EnqueueItem[], blocked: EnqueueItem[]) =>
        healthy.flatMap((one, n) => (n % 9 === 0 ? [one, ...blocked.slice(n / 9, n / 9 + 1)] : [one])),
    ],
  ])('recipients that are always refused with 403 %s', async (_, pages, mix) => {
    await using site = await open((request) =>
      isBlocked(request) ? { status: 403, body: '{"error":"user blocked the conversation"}' } : undefined,
    );
    const startedAt = performance.now();
    await site.producer.enqueueMessages(mix(recipients(270, pages), recipients(30, pages, 'blocked')));
    await site.fake.waitForAccepted(270, { timeoutMs: 60_000 });
    console.log('healthy ms', performance.now() - startedAt, 'requests', site.front.requests.length);
    await new Promise((r) => setTimeout(r, 6000));
    console.log(
      site.attempts
        .filter((a) => a.conversationId?.startsWith('blocked'))
        .slice(-12)
        .map((a) => `${a.outcome} ${a.detail} ${a.next} ${a.delayMs}`),
      await site.deadLetters.count(),
      await used.redis.hgetall(`{${site.config.namespace}:fleet}:held`),
    );
    await eventually('the others are dead', async () => (await site.deadLetters.count()) === 30);
    console.log('all ms', performance.now() - startedAt, 'requests', site.front.requests.length);
    expect(site.attempts.filter(({ next }) => next === 'dead').every(({ reason }) => reason === 'rejected')).toBe(true);
  });

  it.each([
    ['fixed windows of 100', () => accountLimit(100, { status: 429, headers: { 'retry-after': '1' } })],
    ['fixed windows of 50', () => accountLimit(50, { status: 429 })],
    ['a bucket of 50', () => tokenBucket(50, 50, { status: 429, headers: { 'retry-after': '1' } })],
    ['a bucket of 1', () => tokenBucket(50, 1, { status: 429 })],
  ])(
    "an account's limit with %s",
    async (_, limit) => {
      await using site = await open(limit());
      const startedAt = performance.now();
      await site.producer.enqueueMessages(recipients(1200, 400));
      await site.fake.waitForAccepted(1200, { timeoutMs: 110_000 });
      console.log(_, 'ms', performance.now() - startedAt, 'refused', site.front.refused.length);
      const t0 = site.front.requests[0]!.atMs;
      const per = new Map<number, [number, number]>();
      for (const r of site.front.requests) {
        const k = Math.floor((r.atMs - t0) / 1000);
        const v = per.get(k) ?? [0, 0];
        v[0] += 1;
        per.set(k, v);
      }
      for (const r of site.front.refused) per.get(Math.floor((r.atMs - t0) / 1000))![1] += 1;
      console.log([...per].map(([k, [a, b]]) => `${k}:${a}-${b}`).join(' '));
    },
    120_000,
  );

  it.each([
    ['one page of their own', () => 'poison'],
    ['the live page', () => 'live'],
    ['a page each', (n: number) => `poison${n}`],
  ])('20 messages that always fail, on %s', async (_, pageOf) => {
    const isPoison = ({ conversationId }: { conversationId: string }): boolean => conversationId.startsWith('poison');
    await using site = await open((request) => (isPoison(request) ? { status: 500 } : undefined), {
      attempts: 4,
      backoffMs: 300,
    });
    const waits = async (): Promise<number[]> => {
      const took: number[] = [];
      for (let n = 0; n < 100; n += 1) {
        const at = performance.now();
        const before = site.fake.accepted.length;
        await site.producer.enqueueMessage(textMessage(`c${took.length}-${at}`, 1, 'live'));
        void site.fake.waitForAccepted(before + 1).then(() => took.push(performance.now() - at));
        await new Promise((r) => setTimeout(r, 50));
      }
      await eventually('all', () => took.length === 100);
      return took.toSorted((a, b) => a - b);
    };
    const alone = await waits();
    await site.producer.enqueueMessages(Array.from({ length: 20 }, (__, n) => textMessage(`poison${n}`, 1, pageOf(n))));
    const startedAt = performance.now();
    const beside = await waits();
    console.log(_, 'p50 p95 max', alone[50], alone[95], alone[99], 'beside', beside[50], beside[95], beside[99]);
    await eventually('the poison is dead', async () => (await site.deadLetters.count()) === 20);
    console.log(
      'dead after ms',
      performance.now() - startedAt,
      new Set(site.attempts.filter(({ next }) => next === 'dead').map(({ reason }) => reason)),
    );
  });

  it("an nginx's limit_req as it comes", async () => {
    const fake = await startFakeKitechat({});
    await using nginx = await startNginx({ upstream: fake.url, limitReq: { rate: '50r/s' } });
    await using site = await install(used, {
      config: {
        apiUrl: nginx.origin + new URL(fake.url).pathname,
        onUnknownOutcome: 'dead-letter',
        backoffMs: 1000,
        backoffMaxMs: 300_000,
      },
    });
    const startedAt = performance.now();
    const total = 900;
    for (let n = 0; n < total; n += 1) {
      await site.producer.enqueueMessage(textMessage(`c${n}`, 1, `p${n % 20}`));
      await new Promise((r) => setTimeout(r, Math.max(0, startedAt + (n * 1000) / 90 - performance.now())));
    }
    await fake.waitForAccepted(total, { timeoutMs: 100_000 });
    const statuses = nginx.requests().map(({ status }) => status);
    console.log(
      'nginx ms',
      performance.now() - startedAt,
      'dead',
      await site.deadLetters.count(),
      '503s',
      statuses.filter((one) => one === 503).length,
      fake.report().duplicates.count,
    );
    console.log(await used.redis.hgetall(`{${site.config.namespace}:fleet}:held`));
    await fake[Symbol.asyncDispose]();
  });

  it('a page on which everything fails', async () => {
    let broken = true;
    await using site = await open(({ pageId }) => (pageId === 'p0' && broken ? { status: 500 } : undefined));
    const startedAt = performance.now();
    await site.producer.enqueueMessages(recipients(400, 4));
    await site.fake.waitForAccepted(300, { timeoutMs: 60_000 });
    console.log('others ms', performance.now() - startedAt);
    await new Promise((r) => setTimeout(r, 6000));
    console.log(await used.redis.hgetall(`{${site.config.namespace}:fleet}:held`), site.front.refused.length);
    broken = false;
    await site.fake.waitForAccepted(400, { timeoutMs: 60_000 });
    console.log('all ms', performance.now() - startedAt, await site.deadLetters.count());
  });

  it('a gateway that answers 404 to everything', async () => {
    await using site = await open(() => ({
      status: 404,
      body: 'not found',
      headers: { 'content-type': 'text/plain' },
    }));
    await site.producer.enqueueMessages(recipients(2000, 20));
    await eventually('it is held', async () => (await site.front.requests.length) >= 20);
    await new Promise((r) => setTimeout(r, 8000));
    console.log('dead', await site.deadLetters.count(), 'requests', site.front.requests.length);
    site.front.answer(() => undefined);
    const dead = await site.deadLetters.count();
    const startedAt = performance.now();
    await site.fake.waitForAccepted(2000 - dead, { timeoutMs: 60_000 });
    console.log('dead', await site.deadLetters.count(), 'all ms', performance.now() - startedAt);
  });
});
