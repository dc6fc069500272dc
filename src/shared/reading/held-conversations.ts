import { decodeHistory } from '../model/attempts.ts';
import { fieldsOf } from '../model/message-status.ts';
import { readStored, storedFields } from '../model/stored-message.ts';
import { isoTime } from '../model/time.ts';
import { keyPart } from '../lanes/key-names.ts';
import { jobKeys, type Shard } from '../lanes/shard.ts';
import { readBounded, scanNames } from '../lanes/read-bounded.ts';
import type { ReadCommand } from '../redis/pipeline.ts';
import type { CurrentHolds, Hold } from './holds.ts';

const FIELDS = ['place', 'why', 'next', 'history', ...storedFields] as const;
const SCANNED = 100;
const MOST_SHOWN = 20;

/**
 * Reads conversations that are held for what the API answered to their own first message, such as a 429 or a 403 for one recipient, or
 * because workers lack its encryption key: at most 20 of a shard, whatever there are.
 */
export async function readHeldConversations(shard: Shard, { open, nowMs }: CurrentHolds): Promise<Hold[]> {
  // What an open circuit of the API or of a key holds is not the conversation's own affair.
  if (open.some(({ scope }) => scope !== 'page')) return [];
  const pages = new Set(open.flatMap(({ page }) => (page === undefined ? [] : [keyPart(page)])));
  const ids = await scanNames(shard, `${shard.root}held`, SCANNED);
  const commands: ReadCommand[] = [];
  for (const id of ids.slice(0, SCANNED)) commands.push(['hmget', jobKeys(shard, id).job, ...FIELDS]);
  const jobs = await readBounded<(string | null)[]>(shard, commands);
  return jobs
    .flatMap((values) => holdOf(fieldsOf(FIELDS, values ?? []), nowMs))
    .filter(({ page = '' }) => !pages.has(keyPart(page)))
    .slice(0, MOST_SHOWN);
}

function holdOf(job: Record<(typeof FIELDS)[number], string | null>, nowMs: number): Hold[] {
  const attempt = decodeHistory(job.history ?? '').at(-1);
  const request = readStored(job)?.request;
  const isKeyless = job.why === 'keyless';
  if (job.place !== 'put-off' || !(isKeyless || job.why === 'aside')) return [];
  if (attempt?.outcome !== 'held' || request === undefined) return [];
  const until = Number(job.next);
  return [
    {
      scope: 'conversation',
      page: request.pageId,
      conversation: request.conversationId,
      reason: isKeyless ? 'no-encryption-key' : reasonOf(attempt.httpStatus),
      evidence: attempt.detail ?? 'held',
      since: attempt.at,
      ...(until > nowMs ? { until: isoTime(until) } : {}),
    },
  ];
}

function reasonOf(httpStatus: number | null): Hold['reason'] {
  return httpStatus === 401 || httpStatus === 403 ? 'unauthorized' : 'rate-limited';
}
