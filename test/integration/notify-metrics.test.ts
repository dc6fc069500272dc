import { describe, expect, it } from 'vitest';
import { pino } from 'pino';
import { startNotifyHttp } from '../../src/console/index.ts';
import type { DeadWebhook } from '../../src/notify/index.ts';
import { documentedMetrics, withoutLabelsOfNode } from '../support/documented-metrics.ts';
import { eventually } from '../support/eventually.ts';
import { scrapedMetrics, valueOf } from '../support/exposition.ts';
import { deliveryTo } from '../support/notify/delivery.ts';
import { deliveredEvent, type EventSource, sourceOf } from '../support/notify/events.ts';
import { type SimulatedAnswer, simulateReceiver } from '../support/notify/simulated-receiver.ts';
import { completed } from '../support/settings.ts';
import { useRedis } from '../support/use-redis.ts';

const used = useRedis();

interface Served extends AsyncDisposable {
  get(path: string): Promise<{ status: number; body: string }>;
  stop(): Promise<void>;
}

async function serve(
  events: EventSource,
  answerOf: (id: string) => SimulatedAnswer,
  { redisUrl = used.url, token }: { redisUrl?: string; token?: string } = {},
): Promise<Served> {
  const stored: DeadWebhook[] = [];
  const delivery = deliveryTo({
    events,
    receiver: simulateReceiver(answerOf),
    attempts: 1,
    bury: async (letter) => void stored.push(letter),
  });
  const http = await startNotifyHttp({
    config: completed({ redisUrl, namespace: 'notify-metrics', consoleToken: token }),
    port: 0,
    delivery,
    deadWebhooks: { count: async () => stored.length },
    logger: pino({ level: 'silent' }),
  });
  const run = delivery.run();
  const stop = async (): Promise<void> => {
    void delivery.stop(0);
    await run;
  };
  return {
    async get(path) {
      const response = await fetch(new URL(path, http.url));
      return { status: response.status, body: await response.text() };
    },
    stop,
    async [Symbol.asyncDispose]() {
      await stop();
      await http.close();
    },
  };
}

describe.concurrent('the HTTP server of notify', () => {
  it('has every metric that the documentation has, with its type and labels, and no other', async () => {
    await using served = await serve(sourceOf([], { stays: true }), () => 200);
    const live = withoutLabelsOfNode(scrapedMetrics((await served.get('/metrics')).body));
    expect(live).toEqual(withoutLabelsOfNode(documentedMetrics.ofNotify));
  });

  it('counts requests, deaths and what waits', async () => {
    const events = [
      deliveredEvent('good', 1),
      deliveredEvent('bad', 2),
      deliveredEvent('slow', 3),
      deliveredEvent('slow', 4),
    ];
    await using served = await serve(sourceOf(events, { stays: true }), (id) => {
      if (id.includes('slow')) return 429;
      return id.includes('bad') ? 400 : 200;
    });
    const text = await eventually('all were tried', async () => {
      const { body } = await served.get('/metrics');
      const isTried = valueOf(body, 'kitechat_sender_webhook_dead_letters') === 1;
      const later = valueOf(body, 'kitechat_sender_webhook_requests_total{result="later"}') ?? 0;
      return isTried && later > 5 && body;
    });
    expect(valueOf(text, 'kitechat_sender_webhook_requests_total{result="accepted"}')).toBe(1);
    expect(valueOf(text, 'kitechat_sender_webhook_requests_total{result="refused"}')).toBe(1);
    expect(valueOf(text, 'kitechat_sender_webhook_deaths_total')).toBe(1);
    expect(valueOf(text, 'kitechat_sender_webhook_events_waiting')).toBe(2);
    expect(valueOf(text, 'kitechat_sender_redis_up')).toBe(1);
  });

  it('is alive and not ready while the receiver is down, and not alive at the end', async () => {
    let isUp = false;
    await using served = await serve(sourceOf([deliveredEvent('c1', 1)], { stays: true }), () =>
      isUp ? 200 : 'ECONNREFUSED',
    );
    await eventually('it is not ready', async () =>
      (await served.get('/readyz')).body.includes('the receiver does not accept events'),
    );
    expect((await served.get('/healthz')).status).toBe(200);
    isUp = true;
    await eventually('it is ready', async () => (await served.get('/readyz')).status === 200);
    await served.stop();
    expect((await served.get('/healthz')).status).toBe(503);
  });

  it('tells what it knows while Redis is away', async () => {
    const redisUrl = 'redis://127.0.0.1:1';
    await using served = await serve(sourceOf([], { stays: true }), () => 200, { redisUrl });
    const { status, body } = await served.get('/metrics');
    expect(status).toBe(200);
    expect(valueOf(body, 'kitechat_sender_redis_up')).toBe(0);
    expect(valueOf(body, 'kitechat_sender_webhook_dead_letters')).toBe(undefined);
    expect((await served.get('/readyz')).body).toContain('Redis is away');
  });

  it('shows the metrics only with the token, if there is one', async () => {
    await using served = await serve(sourceOf([], { stays: true }), () => 200, { token: 'a-token-of-many-letters' });
    expect((await served.get('/metrics')).status).toBe(401);
    await eventually('it is ready', async () => (await served.get('/readyz')).status === 200);
  });
});
