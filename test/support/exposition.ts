/** A metric as a scrape told it. */
export interface ScrapedMetric {
  type: string;
  /** All labels that any of its samples has; those of buckets are left out. */
  labels: Set<string>;
}

const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;
const PART_OF_HISTOGRAM = /_(?:bucket|sum|count)$/;

/** The metrics of a text in the format of Prometheus, by name. @throws for a line that is none. */
export function scrapedMetrics(text: string): Map<string, ScrapedMetric> {
  const metrics = new Map<string, ScrapedMetric>();
  for (const line of text.split('\n')) {
    const [, name, type] = /^# TYPE (\S+) (\S+)$/.exec(line) ?? [];
    if (name !== undefined && type !== undefined) metrics.set(name, { type, labels: new Set() });
    if (line === '' || line.startsWith('#')) continue;
    const [, sample = '', labels = ''] = SAMPLE.exec(line) ?? [];
    const metric = metrics.get(sample) ?? metrics.get(sample.replace(PART_OF_HISTOGRAM, ''));
    if (metric === undefined) throw new Error(`a line that belongs to no metric: ${line}`);
    for (const [, label = ''] of labels.matchAll(LABEL)) if (label !== 'le') metric.labels.add(label);
  }
  return metrics;
}

/** The value of one series: `kitechat_sender_messages{state="queued"}`; `undefined` if there is none. */
export function valueOf(text: string, series: string): number | undefined {
  const line = text.split('\n').find((one) => one.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
}
