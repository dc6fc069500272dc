import { completed } from '../support/settings.ts';
import { readFileSync } from 'node:fs';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { startHttp } from '../../src/console/index.ts';
import { connectPatiently } from '../../src/shared/session/connect.ts';
import type { RedisServer } from '../../src/testing/redis/redis-handle.ts';
import { documentedMetrics, withoutLabelsOfNode } from '../support/documented-metrics.ts';
import { eventually } from '../support/eventually.ts';
import { scrapedMetrics, valueOf } from '../support/exposition.ts';
import { installWithHolds, type HeldInstallation } from '../support/held-installation.ts';
import { textMessage } from '../support/messages.ts';
import { startTestRedis } from '../support/redis.ts';
import { useRedis } from '../support/use-redis.ts';
import type { InstallationOptions } from '../support/worker.ts';

interface Scraped extends HeldInstallation {
  scrape(): Promise<string>;
}

/** An installation whose worker serves its metrics. */
async function installWithMetrics(
  server: Pick<RedisServer, 'url'>,
  options: InstallationOptions = {},
): Promise<Scraped> {
  await using stack = new AsyncDisposableStack();
  const installation = stack.use(await installWithHolds(server, { ...options, startWorker: false }));
  const worker = installation.startWorker();
  const config = completed({ ...installation.config, httpPort: 0 });
  const http = await startHttp({ config, worker, logger: pino({ level: 'silent' }) });
  stack.defer(() => http.close());
  await eventually('the worker is ready', async () => (await fetch(new URL('/readyz', http.url))).ok);
  const owned = stack.move();
  return {
    ...installation,
    async scrape() {
      const response = await fetch(new URL('/metrics', http.url));
      expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
      return await response.text();
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

const documented = documentedMetrics.ofWorker;

describe('/metrics', () => {
  const used = useRedis();

  it('has every metric that the documentation has, with its type and labels, and no other', async () => {
    await using site = await installWithMetrics(used);
    await site.until(await site.enqueue(textMessage('c1', 1)), 'delivered');
    const live = withoutLabelsOfNode(scrapedMetrics(await site.scrape()));
    expect(live).toEqual(withoutLabelsOfNode(documented));
  });

  it('has every metric that an alert asks for', () => {
    const alerts = readFileSync(new URL('../../ops/alerts.yml', import.meta.url), 'utf8');
    const named = Array.from(alerts.matchAll(/kitechat_sender_\w+/g), ([name]) => name);
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter((name) => !documented.has(name))).toEqual([]);
  });

  it('counts what the worker did, and tells what Redis holds', async () => {
    await using site = await installWithMetrics(used, {
      api: {
        faults: [
          { kind: 'status', status: 400, match: { conversationId: 'refused' } },
          { kind: 'status', status: 500, match: { conversationId: 'again' }, times: 1 },
        ],
      },
    });
    await site.hold({ page: 'held' });
    await site.enqueue(textMessage('c1', 1, 'held'));
    await site.producer.enqueueMessage(textMessage('later', 1), { delayMs: 3_600_000 });
    await site.until(await site.enqueue(textMessage('refused', 1)), 'dead');
    await site.until(await site.enqueue(textMessage('again', 1)), 'delivered');
    await site.until(await site.enqueue(textMessage('c1', 1, 'p2')), 'delivered');
    const text = await eventually('what Redis holds was read anew', async () => {
      const found = await site.scrape();
      return valueOf(found, 'kitechat_sender_dead_letters{reason="rejected"}') === 1 && found;
    });

    expect({
      delivered: valueOf(text, 'kitechat_sender_attempts_total{outcome="delivered"}'),
      rejected: valueOf(text, 'kitechat_sender_attempts_total{outcome="rejected"}'),
      unknown: valueOf(text, 'kitechat_sender_attempts_total{outcome="unknown"}'),
      deliveredOfPage: valueOf(text, 'kitechat_sender_page_attempts_total{page="p2",outcome="delivered"}'),
      died: valueOf(text, 'kitechat_sender_deaths_total{reason="rejected"}'),
      went: valueOf(text, 'kitechat_sender_claims_total{verdict="go"}'),
      timed: valueOf(text, 'kitechat_sender_send_duration_seconds_count'),
      scheduled: valueOf(text, 'kitechat_sender_messages{state="scheduled"}'),
      held: valueOf(text, 'kitechat_sender_messages{state="held"}'),
      sending: valueOf(text, 'kitechat_sender_messages{state="sending"}'),
      pageHolds: valueOf(text, 'kitechat_sender_holds{scope="page",reason="operator"}'),
      apiHolds: valueOf(text, 'kitechat_sender_holds{scope="api",reason="api-down"}'),
      workers: valueOf(text, 'kitechat_sender_workers'),
      repairs: valueOf(text, 'kitechat_sender_repairs_total{kind="stuck-lane"}'),
      concurrency: valueOf(text, 'kitechat_sender_worker_concurrency'),
      alive: valueOf(text, 'kitechat_sender_worker_alive'),
      ready: valueOf(text, 'kitechat_sender_worker_ready'),
      redisUp: valueOf(text, 'kitechat_sender_redis_up'),
    }).toEqual({
      delivered: 2,
      rejected: 1,
      unknown: 1,
      deliveredOfPage: 1,
      died: 1,
      went: 4,
      timed: 4,
      scheduled: 1,
      held: 1,
      sending: 0,
      pageHolds: 1,
      apiHolds: 0,
      workers: 1,
      repairs: 0,
      concurrency: 50,
      alive: 1,
      ready: 1,
      redisUp: 1,
    });
  });

  it('never has the key or a word of a message', async () => {
    await using site = await installWithMetrics(used, {
      config: { apiKey: 'CANARY-key' },
      api: { faults: [{ kind: 'status', status: 400, body: { message: 'CANARY-answer' } }] },
    });
    const message = { type: 'text', text: 'CANARY-text' } as const;
    const { id } = await site.producer.enqueueMessage(
      { pageId: 'p1', conversationId: 'CANARY-conversation', message },
      { label: 'CANARY-label', idempotencyKey: 'CANARY-once' },
    );
    await site.until(id, 'dead');
    const text = await site.scrape();
    expect(text).toContain('page="p1"');
    expect(text).not.toContain('CANARY');
  });

  it('asks Redis at most once per second, however many scrape', async () => {
    await using own = await startTestRedis();
    await using site = await installWithMetrics(own);
    await site.scrape();
    const before = await readsOf(own);
    const startedAt = performance.now();
    await Promise.all(Array.from({ length: 50 }, () => site.scrape()));
    const seconds = (performance.now() - startedAt) / 1000;
    expect((await readsOf(own)) - before).toBeLessThanOrEqual(Math.ceil(seconds) + 1);
  });

  it('answers within two seconds when Redis is away or hangs, with what the process knows', async () => {
    await using own = await startTestRedis();
    await using site = await installWithMetrics(own);
    await site.until(await site.enqueue(textMessage('c1', 1)), 'delivered');
    await own.pause();
    await expectWithoutRedis(site);
    await own.resume();
    await eventually('Redis is back', async () => valueOf(await site.scrape(), 'kitechat_sender_redis_up') === 1);
    await own.kill();
    await expectWithoutRedis(site);
    await own.restart();
    await eventually('Redis is back', async () => valueOf(await site.scrape(), 'kitechat_sender_workers') === 1);
  });
});

/** How often the counts were read: nothing else asks this way. */
async function readsOf(server: RedisServer): Promise<number> {
  const redis = connectPatiently({ redisUrl: server.url });
  const stats = await redis.info('commandstats');
  redis.disconnect();
  return Number(/^cmdstat_zcount:calls=(\d+)/m.exec(stats)?.[1] ?? 0);
}

/** What was read a moment ago may still be told. */
async function expectWithoutRedis(site: Scraped): Promise<void> {
  const text = await eventually('it is told in time that Redis is away', async () => {
    const askedAt = performance.now();
    const found = await site.scrape();
    const isInTime = performance.now() - askedAt < 2000;
    return isInTime && valueOf(found, 'kitechat_sender_redis_up') === 0 && found;
  });
  expect(valueOf(text, 'kitechat_sender_attempts_total{outcome="delivered"}')).toBe(1);
  expect(valueOf(text, 'kitechat_sender_worker_ready')).toBe(0);
  expect(valueOf(text, 'kitechat_sender_worker_alive')).toBe(1);
  expect(text).not.toMatch(/^kitechat_sender_(?:messages|oldest\w+|dead_letters|holds|workers|repairs_total)\b[{ ]/m);
}
