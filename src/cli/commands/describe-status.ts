import { describeRedisUrl } from '../../shared/config/redis-addresses.ts';
import { type Counts, describeVersions } from '../../shared/reading/shard-status.ts';
import type { Hold } from '../../shared/reading/holds.ts';
import { nameForeignSettings } from '../../shared/lanes/foreign-settings.ts';
import type { Status, StatusNow } from '../../shared/reading/status.ts';
import { describeUnused } from '../context/site.ts';
import { inWords } from '../terminal/in-words.ts';
import { textTable } from '../terminal/table.ts';
import { describeHolds } from './describe-holds.ts';

/** What `status` shows. */
export interface ShownStatus extends StatusNow {
  /** The Redis and the namespace. */
  site: string;
}

/** The status with its fields in the order of docs/operations.md: Redis returns the fields of workers in any order. */
export function machineReadable(
  { holds, workers, suspectedRestore, foreignSettings, ...counts }: Status,
  { redisUrl, namespace }: { redisUrl: string; namespace: string },
): Status & { redis: string; namespace: string } {
  return {
    ...counts,
    holds: holds.map(holdInOrder),
    workers: workers.map(({ id, version, since, concurrency, sending }) => ({
      id,
      version,
      since,
      concurrency,
      sending,
    })),
    ...(suspectedRestore && { suspectedRestore }),
    ...(foreignSettings && { foreignSettings }),
    redis: describeRedisUrl(redisUrl),
    namespace,
  };
}

function holdInOrder({
  scope,
  page,
  conversation,
  key,
  reason,
  letter,
  evidence,
  since,
  until,
  ...others
}: Hold): Hold {
  const { isPaced, keySource, pages, pageCount } = others;
  const inOrder = { scope, page, conversation, key, reason, letter, evidence, since, until };
  return { ...inOrder, isPaced, keySource, pages, pageCount } as Hold;
}

export function describeStatus({ status, nowMs, ...found }: ShownStatus): string {
  const { holds, workers, oldestQueuedMs, suspectedRestore, foreignSettings, ...counts } = status;
  const parts = [
    describePlace(found),
    textTable([Object.keys(counts), Object.values(counts)]),
    describeOldest(counts, oldestQueuedMs),
    describeWorkers(workers),
    describeHolds(holds, nowMs),
    describeSuspicion(suspectedRestore),
    describeForeign(foreignSettings),
  ];
  return sections(parts);
}

/**
 * The status for a view that is redrawn: with the rates of change, and with the holds before the workers. A low window cuts
 * off the end, and holds matter more than a long list of workers.
 */
export function describeMovingStatus({ status, nowMs, ...found }: ShownStatus, changePerSecond: Counts): string {
  const { holds, workers, oldestQueuedMs, suspectedRestore, foreignSettings, ...counts } = status;
  const changes = Object.values(changePerSecond).map((change: number) => ({ number: describeChange(change) }));
  const parts = [
    describePlace(found),
    textTable([
      ['', ...Object.keys(counts)],
      ['messages', ...Object.values(counts)],
      ['per second', ...changes],
    ]),
    describeOldest(counts, oldestQueuedMs),
    describeHolds(holds, nowMs),
    describeSuspicion(suspectedRestore),
    describeForeign(foreignSettings),
    describeWorkers(workers),
  ];
  return sections(parts);
}

function sections(parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join('\n\n');
}

function describePlace({ site, ...found }: Pick<ShownStatus, 'isUsed' | 'isReplica' | 'site'>): string {
  return [`Redis: ${site}`, ...describeDoubts(found)].join('\n');
}

/** What makes the rest of a status misleading, a line each. */
export function describeDoubts({ isUsed, isReplica }: Pick<ShownStatus, 'isUsed' | 'isReplica'>): string[] {
  return [
    ...(isReplica
      ? [
          'This Redis is a read-only replica: nothing is stored or sent through it. REDIS_URL of apps and workers must name its primary.',
        ]
      : []),
    ...(isUsed ? [] : [describeUnused()]),
  ];
}

function describeSuspicion(suspected: Status['suspectedRestore']): string {
  return suspected
    ? `Warning: ${suspected.evidence}. Noticed at ${suspected.since}; the workers went on. See docs/backup.md.`
    : '';
}

function describeForeign(found: Status['foreignSettings']): string {
  return found
    ? `Warning: somebody else has changed BullMQ's settings in this Redis: ${nameForeignSettings(found)}. They have no effect: "kitechat-sender hold" stops sending, "limits set" slows it down. Find out who wrote them, then remove them with "kitechat-sender repair".`
    : '';
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

/** Whole numbers from 10 up, so that the columns stay steady. */
function describeChange(perSecond: number): string {
  const text = perSecond.toFixed(Math.abs(perSecond) < 10 ? 1 : 0);
  if (Number(text) === 0) return '0';
  return perSecond > 0 ? `+${text}` : text;
}
