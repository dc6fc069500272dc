import { Histogram } from 'prom-client';
import { type DeadWebhooks, type Delivery, type DeliveryState, results } from '../../notify/index.ts';
import type { Health } from './health.ts';
import { createProcessRegistry, type Metrics } from './metrics.ts';
import { createSeries } from './series.ts';

export interface NotifyMetricsDeps {
  delivery: Pick<Delivery, 'on' | 'state'>;
  deadWebhooks: Pick<DeadWebhooks, 'count'>;
  redisAnswers(): Promise<boolean>;
}

const BUCKETS_SECONDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** The metrics of a process that delivers webhooks. */
export function createNotifyMetrics({ delivery, deadWebhooks, redisAnswers }: NotifyMetricsDeps): Metrics {
  const registry = createProcessRegistry();
  const { gauge, counter } = createSeries(registry);
  const requests = counter('webhook_requests_total', 'Requests to the receiver of webhooks, by result.', 'result');
  const deaths = counter('webhook_deaths_total', 'Events that became dead letters of this process.');
  const lost = counter('webhook_events_lost_total', 'Events that were removed before this group had read them.');
  const durations = new Histogram({
    name: 'kitechat_sender_webhook_request_duration_seconds',
    help: 'Duration of requests to the receiver of webhooks.',
    buckets: BUCKETS_SECONDS,
    registers: [registry],
  });
  const waiting = gauge(
    'webhook_events_waiting',
    'Events that this process has read and the receiver has not accepted.',
  );
  const oldest = gauge('webhook_oldest_waiting_age_seconds', 'Time since the oldest of these events; 0 if none waits.');
  const up = gauge('webhook_receiver_up', '1 unless the receiver accepts no events.');
  const stored = gauge('webhook_dead_letters', 'Stored dead letters of the webhooks of this group.');
  const redisUp = gauge('redis_up', '1 if Redis answered this scrape.');

  for (const result of results) requests.inc({ result }, 0);
  delivery.on('attempt', ({ event, answer, result, next }) => {
    requests.inc({ result });
    durations.observe(answer.durationMs / 1000);
    if (next === 'dead') deaths.inc();
    if (event.type === 'gap' && next === 'done') lost.inc(event.lost);
  });

  return {
    contentType: registry.contentType,
    async render() {
      const state = delivery.state();
      waiting.set(state.waiting);
      oldest.set(state.oldestAt === null ? 0 : Math.max(0, (Date.now() - Date.parse(state.oldestAt)) / 1000));
      up.set(state.isReceiverUp ? 1 : 0);
      const count = (await redisAnswers()) ? await deadWebhooks.count().catch(() => null) : null;
      redisUp.set(count === null ? 0 : 1);
      if (count === null) stored.remove();
      else stored.set(count);
      return await registry.metrics();
    },
  };
}

/** A process whose receiver or Redis is away is alive but not ready: a restart would not help. */
export function judgeNotify({ phase, isReceiverUp }: DeliveryState, redisAnswers: boolean): Health {
  const notAlive = phase === 'ended' ? 'the delivery of webhooks has ended' : null;
  return { notAlive, notReady: notAlive ?? whyNotReady({ phase, isReceiverUp, redisAnswers }) };
}

function whyNotReady(facts: Pick<DeliveryState, 'phase' | 'isReceiverUp'> & { redisAnswers: boolean }): string | null {
  if (facts.phase === 'stopping') return 'the process is shutting down';
  if (!facts.redisAnswers) return 'Redis is away';
  return facts.isReceiverUp ? null : 'the receiver does not accept events';
}
