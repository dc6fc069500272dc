import { collectDefaultMetrics, Registry } from 'prom-client';
import type { LogSink } from '../../shared/logging/log-sink.ts';
import { version } from '../../shared/version.ts';
import type { KitechatWorker } from '../../worker/index.ts';
import { judgeHealth } from './health.ts';
import type { ScrapedFacts } from './facts.ts';
import { createFleetMetrics } from './fleet.ts';
import { createSeries } from './series.ts';
import { createWorkerMetrics } from './worker.ts';

export interface Metrics {
  contentType: string;
  /** Returns the answer to a scrape, in the text format of Prometheus. */
  render(): Promise<string>;
}

export interface MetricsDeps {
  /** `null` for a console without a worker. */
  worker: Pick<KitechatWorker, 'on' | 'health'> | null;
  /** Where the worker logs to. */
  log?: Pick<LogSink, 'dropped'> | undefined;
  readFacts(): Promise<ScrapedFacts | null>;
}

/** The metrics of one process, in a separate registry, since a host program may use prom-client for its own metrics. */
export function createMetrics({ worker, log, readFacts }: MetricsDeps): Metrics {
  const registry = createProcessRegistry();
  const fleet = createFleetMetrics(registry);
  const own = worker && createWorkerMetrics(registry, worker, log);

  return {
    contentType: registry.contentType,
    async render() {
      const facts = await readFacts();
      fleet.update(facts);
      if (worker) own?.update(judgeHealth({ worker: worker.health(), redisAnswers: facts !== null }));
      return await registry.metrics();
    },
  };
}

/** A registry with the metrics that every process has. */
export function createProcessRegistry(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  createSeries(registry).gauge('build_info', 'Always 1; the label is the version.', 'version').set({ version }, 1);
  return registry;
}
