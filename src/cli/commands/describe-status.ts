import { type Counts, describeVersions } from '../../shared/reading/shard-status.ts';
import type { Status } from '../../shared/reading/status.ts';
import { textTable } from '../terminal/table.ts';

/** The status with its fields in the documented order: Redis returns the fields of workers in any order. */
export function inDocumentedOrder({ workers, ...others }: Status): Status {
  return {
    ...others,
    workers: workers.map(({ id, version, since, concurrency, sending }) => ({
      id,
      version,
      since,
      concurrency,
      sending,
    })),
  };
}

export function describeStatus({ holds, workers, oldestQueuedMs, ...counts }: Status): string {
  const parts = [
    textTable([Object.keys(counts), Object.values(counts)]),
    describeOldest(counts, oldestQueuedMs),
    describeWorkers(workers),
    describeHolds(holds),
  ];
  return sections(parts);
}

/**
 * The status for a view that is redrawn: with the rates of change, and with the holds before the workers. A low window cuts
 * off the end, and holds matter more than a long list of workers.
 */
export function describeMovingStatus(
  { holds, workers, oldestQueuedMs, ...counts }: Status,
  changePerSecond: Counts,
): string {
  const changes = Object.values(changePerSecond).map((change: number) => ({ number: describeChange(change) }));
  const parts = [
    textTable([
      ['', ...Object.keys(counts)],
      ['messages', ...Object.values(counts)],
      ['per second', ...changes],
    ]),
    describeOldest(counts, oldestQueuedMs),
    describeHolds(holds),
    describeWorkers(workers),
  ];
  return sections(parts);
}

function sections(parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join('\n\n');
}

function describeOldest({ queued }: Counts, oldestQueuedMs: number): string {
  return queued > 0 ? `The oldest queued message has waited for ${inWords(oldestQueuedMs)}.` : '';
}

function describeWorkers(workers: Status['workers']): string {
  if (workers.length === 0) {
    return 'No worker is running: nothing is sent. Start one with "kitechat-sender worker".';
  }
  const rows = textTable([
    ['worker', 'version', 'since', 'concurrency', 'sending'],
    ...workers.map((worker) => [worker.id, worker.version, worker.since, worker.concurrency, worker.sending]),
  ]);
  const versions = describeVersions(workers);
  return versions === null ? rows : `${rows}\nThe workers run different versions: ${versions}.`;
}

function describeHolds(holds: Status['holds']): string {
  if (holds.length === 0) return '';
  return textTable([
    ['hold', 'page', 'conversation', 'reason', 'until'],
    ...holds.map((hold) => [hold.scope, hold.page ?? null, hold.conversation ?? null, hold.reason, hold.until ?? null]),
  ]);
}

/** Whole numbers from 10 up, so that the columns stay steady. */
function describeChange(perSecond: number): string {
  const text = perSecond.toFixed(Math.abs(perSecond) < 10 ? 1 : 0);
  if (Number(text) === 0) return '0';
  return perSecond > 0 ? `+${text}` : text;
}

function inWords(durationMs: number): string {
  const seconds = Math.floor(durationMs / 1000);
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 120 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
