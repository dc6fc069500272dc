/** A metric of a scrape. */
export interface ScrapedMetric {
  type: string;
  /** The labels of all its samples, without those of buckets. */
  labels: Set<string>;
}

const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;
const PART_OF_HISTOGRAM = /_(?:bucket|sum|count)$/;

/** Parses the text format of Prometheus. @returns the metrics by name. @throws for a line that can't be parsed. */
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

/** The value of one series, such as `kitechat_sender_messages{state="queued"}`; `undefined` if the series is missing. */
export function valueOf(text: string, series: string): number | undefined {
  const line = text.split('\n').find((one) => one.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
}
