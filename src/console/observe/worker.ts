import { Histogram, type Registry } from 'prom-client';
import type { LogSink } from '../../shared/logging/log-sink.ts';
import type { OutcomeKind } from '../../shared/model/attempts.ts';
import { deadReasons } from '../../shared/model/dead-letter.ts';
import type { AttemptReport, ClaimVerdict, KitechatWorker } from '../../worker/index.ts';
import type { Health } from './health.ts';
import { createSeries } from './series.ts';

/** Metrics of the worker of this process. */
export interface WorkerMetrics {
  /** Updates the gauges. */
  update(health: Health): void;
}

const PAGES = 100;
const BUCKETS_SECONDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

const outcomes = ['delivered', 'rejected', 'failed', 'unknown', 'not-sent', 'held'] as const satisfies OutcomeKind[];
const verdicts = ['go', 'unknown', 'expired', 'crashed'] as const satisfies ClaimVerdict[];

export function createWorkerMetrics(
  registry: Registry,
  worker: Pick<KitechatWorker, 'on' | 'health'>,
  log?: Pick<LogSink, 'dropped'>,
): WorkerMetrics {
  const { gauge, counter } = createSeries(registry);
  const attempts = counter('attempts_total', 'Attempts to send, by outcome.', 'outcome');
  const pageAttempts = counter(
    'page_attempts_total',
    `Attempts to send, by page and outcome; the first ${PAGES} pages have a label of their own.`,
    'page',
    'outcome',
  );
  const deaths = counter('deaths_total', 'Messages that became dead letters, by reason.', 'reason');
  const hookDeliveries = counter(
    'hook_deliveries_total',
    'Messages whose unknown outcome the hook resolveUnknown resolved as delivered.',
  );
  const claims = counter('claims_total', 'Messages taken, by verdict; go means that the message is sent.', 'verdict');
  const engineErrors = counter(
    'engine_errors_total',
    'Errors of Redis or BullMQ after which this worker repeated what had failed, by code.',
    'code',
  );
  const durations = new Histogram({
    name: 'kitechat_sender_send_duration_seconds',
    help: 'Duration of requests to the API.',
    buckets: BUCKETS_SECONDS,
    registers: [registry],
  });
  const sending = gauge('worker_sending', 'Messages in progress in this worker.');
  const concurrency = gauge('worker_concurrency', 'Maximum number of messages in progress in this worker.');
  const alive = gauge(
    'worker_alive',
    '1 if this worker makes progress or has a good reason to wait, as /healthz says.',
  );
  const ready = gauge('worker_ready', '1 if this worker takes messages, as /readyz says.');

  const droppedLines = counter(
    'log_lines_dropped_total',
    'Log lines that this worker dropped because its log could not be written.',
  );

  // Series start at 0: one that starts with its first event starts at 1, so its rate misses that event.
  for (const outcome of outcomes) attempts.inc({ outcome }, 0);
  for (const reason of deadReasons) deaths.inc({ reason }, 0);
  for (const verdict of verdicts) claims.inc({ verdict }, 0);
  engineErrors.inc({ code: 'OOM' }, 0);

  const pageLabel = createPageLabels(PAGES);
  worker.on('claim', (verdict) => claims.inc({ verdict }));
  worker.on('engineError', (code) => engineErrors.inc({ code }));
  worker.on('attempt', ({ pageId, outcome, durationMs, next, reason, proof }: AttemptReport) => {
    if (outcome !== null) {
      attempts.inc({ outcome });
      pageAttempts.inc({ page: pageLabel(pageId), outcome });
    }
    if (durationMs > 0) durations.observe(durationMs / 1000);
    if (next === 'dead' && reason !== null) deaths.inc({ reason });
    if (proof === 'hook') hookDeliveries.inc();
  });

  return {
    update({ notAlive, notReady }) {
      const health = worker.health();
      droppedLines.reset();
      droppedLines.inc(log?.dropped() ?? 0);
      sending.set(health.sending);
      concurrency.set(health.concurrency);
      alive.set(notAlive === null ? 1 : 0);
      ready.set(notReady === null ? 1 : 0);
    },
  };
}

/** The label of all pages without a label of their own. */
const OTHER_PAGES = 'other';

/**
 * Labels for pages. The first pages get labels of their own and all others share one, so that the number of time series stays
 * bounded.
 *
 * @param most the number of pages with a label of their own
 */
export function createPageLabels(most: number): (pageId: string | null) => string {
  const own = new Set<string>();
  return (pageId) => {
    if (pageId === null) return OTHER_PAGES;
    if (own.size < most) own.add(pageId);
    return own.has(pageId) ? pageId : OTHER_PAGES;
  };
}
