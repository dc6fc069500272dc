import { describe, expect, it } from 'vitest';
import { install } from '../support/worker.ts';
import { startNginx } from '../support/nginx.ts';
import { useRedis } from '../support/use-redis.ts';
import { startFakeKitechat } from '../../src/testing/index.ts';

const BURSTS = 30;
const PER_BURST = 80;

describe('behind a server that closes idle connections after a second', () => {
  const redis = useRedis();

  it('a burst each second loses no request, and none is sent twice', async () => {
    await using api = await startFakeKitechat();
    await using nginx = await startNginx({ upstream: api.url, keepaliveTimeout: '1s' });
    await using site = await install(redis.server, {
      config: {
        apiUrl: nginx.origin + new URL(api.url).pathname,
        onUnknownOutcome: 'dead-letter',
        concurrency: PER_BURST,
      },
    });
    const startMs = Date.now() + 2000;
    const items = Array.from({ length: BURSTS * PER_BURST }, (_, nth) => ({
      pageId: 'p1',
      conversationId: `c${nth}`,
      message: { type: 'text' as const, text: `message ${nth}` },
      sendAt: new Date(startMs + Math.floor(nth / PER_BURST) * 1000),
    }));
    await site.producer.enqueueMessages(items);
    await expect
      .poll(() => site.attempts.length, { timeout: 150_000, interval: 200 })
      .toBeGreaterThanOrEqual(items.length);

    const outcomes = Object.groupBy(site.attempts, ({ outcome }) => outcome ?? 'none');
    expect(Object.entries(outcomes).map(([outcome, reports]) => [outcome, reports?.length])).toEqual([
      ['delivered', items.length],
    ]);
    expect(api.report()).toMatchObject({ duplicates: { count: 0 } });
  }, 180_000);
});
