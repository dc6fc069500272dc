import { describe, expect, it } from 'vitest';
import { startFakeKitechat } from '../../src/testing/index.ts';
import { disorderIn, installBehindFront, recipients } from '../support/brake/behind-front.ts';
import { bucketOf, windowsOf } from '../support/brake/limited-account.ts';
import { offerEvenly } from '../support/brake/offered.ts';
import { textMessage } from '../support/messages.ts';
import { startNginx } from '../support/nginx.ts';
import { useRedis } from '../support/use-redis.ts';
import { install } from '../support/worker.ts';

const MESSAGES = 1200;
const PAGES = 400;
const MOST_REFUSALS = 40;

describe("a limit of the API's own", () => {
  const used = useRedis();

  it.each([
    ['200 in each second, with a Retry-After', windowsOf(200, { status: 429, headers: { 'retry-after': '1' } })],
    ['a bucket of 100, without a Retry-After', bucketOf(100, 100, { status: 429 })],
  ])('of the whole account, %s, is found out by a handful of requests', async (_, limit) => {
    await using site = await installBehindFront(used, limit);
    await site.producer.enqueueMessages(recipients(MESSAGES, PAGES));
    await site.fake.waitForAccepted(MESSAGES, { timeoutMs: 100_000 });
    expect(site.front.refused.length).toBeLessThanOrEqual(MOST_REFUSALS);
    expect(disorderIn(site.fake)).toEqual([0, 0]);
    expect(await site.deadLetters.count()).toBe(0);
  });

  it('one conversation that is told to wait holds nobody else on its page', async () => {
    await using site = await installBehindFront(used, ({ conversationId }) =>
      conversationId === 'c0' ? { status: 429, headers: { 'retry-after': '600' } } : undefined,
    );
    const [, ...others] = recipients(50, 1);
    const held = await site.enqueue(textMessage('c0', 1, 'p0'));
    await site.until(held, 'held');
    await site.producer.enqueueMessages(others);
    await site.fake.waitForAccepted(others.length, { timeoutMs: 60_000 });
    expect(site.front.refused).toHaveLength(1);
    expect(await site.until(held, 'held')).toMatchObject({ attemptsUsed: 0 });
  });

  it("nginx's limit_req as it comes, with 90/s offered against 50/s, kills and doubles nothing under dead-letter", async () => {
    await using fake = await startFakeKitechat({});
    await using nginx = await startNginx({ upstream: fake.url, limitReq: { rate: '50r/s' } });
    const apiUrl = nginx.origin + new URL(fake.url).pathname;
    const config = { apiUrl, onUnknownOutcome: 'dead-letter', backoffMs: 1000, backoffMaxMs: 300_000 } as const;
    await using site = await install(used, { config });
    await offerEvenly({ count: 270, perSecond: 90 }, (nth) => site.enqueue(textMessage(`c${nth}`, 1, `p${nth % 20}`)));
    await fake.waitForAccepted(270, { timeoutMs: 100_000 });
    expect(nginx.requests().filter(({ status }) => status === 503).length).toBeGreaterThan(0);
    expect(await site.deadLetters.count()).toBe(0);
    expect(disorderIn(fake)).toEqual([0, 0]);
  });
});
