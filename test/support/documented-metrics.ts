import { readFileSync } from 'node:fs';
import type { ScrapedMetric } from './exposition.ts';

const docs = readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8');
const OF_WEBHOOKS = 'Webhook metrics';
const OF_EVERY_PROCESS = 'Process metrics';

/** The metrics that the documentation has. */
export const documentedMetrics = {
  ofWorker: metricsIn((title) => title !== OF_WEBHOOKS),
  ofNotify: metricsIn((title) => title === OF_WEBHOOKS || title === OF_EVERY_PROCESS),
};

function metricsIn(isWanted: (title: string) => boolean): Map<string, ScrapedMetric> {
  const sections = docs.split(/^## /m).filter((section) => isWanted(section.slice(0, section.indexOf('\n'))));
  const rows = sections.join('').matchAll(/^\| `(\w+)` \| (\w+) \| (.*?) \|/gm);
  return new Map(
    Array.from(rows, ([, name = '', type = '', labels = '']) => [
      name,
      { type, labels: new Set(Array.from(labels.matchAll(/`(\w+)`/g), ([, label = '']) => label)) },
    ]),
  );
}

/** Some of Node's metrics have their labels only when there is something to tell. */
export function withoutLabelsOfNode(metrics: Map<string, ScrapedMetric>): Map<string, ScrapedMetric> {
  for (const [name, { labels }] of metrics) if (!name.startsWith('kitechat_sender_')) labels.clear();
  return metrics;
}
