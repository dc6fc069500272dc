import type { DeadReason } from '../../shared/model/dead-letter.ts';
import type { Hold } from '../../shared/reading/holds.ts';
import type { Status } from '../../shared/reading/status.ts';
import { nameForeignSettings } from '../../shared/lanes/foreign-settings.ts';
import { counted, formatDuration } from '../html/format.ts';
import { query } from '../html/links.ts';
import type { Matter } from '../html/matter.ts';
import { matterOfHold } from './hold-words.ts';

export interface AttentionFacts {
  status: Status;
  /** Whether any process has used the namespace. */
  isUsed: boolean;
  /** Whether this Redis is a replica. */
  isReplica: boolean;
  /** The number of messages that died in the last hour, by reason. */
  lately: Record<DeadReason, number>;
  nowMs: number;
}

/** A queued message that has been due for longer than this needs attention. */
export const TOO_LONG_MS = 60_000;
const MAX_HOLDS = 10;
const HOUR_MS = 3_600_000;

const DEATHS: Record<DeadReason, string> = {
  rejected: 'The API refused them. Read its answer, edit and replay.',
  exhausted: 'All their attempts failed or have an unknown outcome. Read the attempts, fix the cause, then replay.',
  expired: 'They became too old before they were delivered.',
  'unknown-outcome': 'It is unknown whether they arrived. Ask the receiver before a replay.',
  crashed: 'Workers died repeatedly while they worked on them. Tell the developers.',
  undecodable: 'The stored messages can not be read, or must not be sent. Each says why.',
};

/** Everything that needs attention, problems first. Pure. */
export function mattersOf({ status, isUsed, isReplica, lately, nowMs }: AttentionFacts): Matter[] {
  const matters = [
    ...(isReplica ? [REPLICA] : []),
    ...(isUsed ? ofWorkers(status) : [UNUSED]),
    ...ofHolds(status.holds, nowMs),
    ...ofRestore(status),
    ...ofForeignSettings(status),
    ...ofWaiting(status),
    ...ofDeaths(lately, nowMs),
  ];
  return matters.toSorted((one, other) => Number(other.tone === 'bad') - Number(one.tone === 'bad'));
}

/** With a wrong URL or namespace, an installation looks like one in which nothing happens. */
const UNUSED: Matter = {
  tone: 'warn',
  what: 'No kitechat-sender has used this namespace yet',
  why: 'Are REDIS_URL and KITECHAT_NAMESPACE of this console right? The end of the page shows what they name.',
  link: null,
};

const REPLICA: Matter = {
  tone: 'bad',
  what: 'This Redis is a read-only replica',
  why: 'Nothing is stored or sent through it, and this console can change nothing. REDIS_URL of apps and workers must name its primary.',
  link: null,
};

function ofWorkers({ workers, ...counts }: Status): Matter[] {
  if (workers.length > 0) return [];
  const open = counts.queued + counts.retrying + counts.held + counts.scheduled + counts.sending;
  return [
    {
      tone: open > 0 ? 'bad' : 'warn',
      what: 'No worker is running',
      why:
        open > 0
          ? `${counted(open, 'message')} can't be sent until a worker is started with "kitechat-sender worker".`
          : 'No message waits now. None will be sent until a worker is started with "kitechat-sender worker".',
      link: { href: '/workers', label: 'Workers' },
    },
  ];
}

function ofRestore({ suspectedRestore }: Status): Matter[] {
  if (suspectedRestore === undefined) return [];
  const why = `${suspectedRestore.evidence}. The workers went on. With KITECHAT_STATE_DIR they would know, and hold everything after a restore.`;
  return [{ tone: 'warn', what: 'Redis may have gone back in time', why, link: null }];
}

function ofForeignSettings({ foreignSettings }: Status): Matter[] {
  if (foreignSettings === undefined) return [];
  const why = `${nameForeignSettings(foreignSettings)}. They have no effect on the workers. Who else writes to this Redis? To stop sending, hold everything.`;
  return [
    {
      tone: 'warn',
      what: "Somebody else has changed BullMQ's settings",
      why,
      link: { href: '#settings', label: 'Remove the settings' },
    },
  ];
}

function ofWaiting({ workers, queued, oldestQueuedMs, holds }: Status): Matter[] {
  if (workers.length === 0 || queued === 0 || oldestQueuedMs < TOO_LONG_MS) return [];
  const isHeld = holds.length > 0;
  return [
    {
      tone: 'warn',
      what: `The oldest queued message has waited for ${formatDuration(oldestQueuedMs)}`,
      why: isHeld
        ? 'A hold is in force; the messages that it holds wait.'
        : 'The workers, a limit or a conversation are too slow.',
      link: { href: '/pages', label: 'Busiest pages' },
    },
  ];
}

function ofDeaths(lately: Record<DeadReason, number>, nowMs: number): Matter[] {
  const since = new Date(nowMs - HOUR_MS).toISOString().slice(0, 16);
  return Object.entries(lately).flatMap(([reason, count]) =>
    count === 0
      ? []
      : [
          {
            tone: 'bad' as const,
            what: `${counted(count, 'message')} died in the last hour: ${reason}`,
            why: DEATHS[reason as DeadReason],
            link: { href: `/dead-letters?${query({ reason, since })}`, label: `Show dead letters: ${reason}` },
          },
        ],
  );
}

function ofHolds(holds: readonly Hold[], nowMs: number): Matter[] {
  const shown = holds.slice(0, MAX_HOLDS).map((hold) => matterOfHold(hold, nowMs));
  const more = holds.length - shown.length;
  if (more <= 0) return shown;
  const link = { href: '/pages', label: 'All held pages' };
  return [...shown, { tone: 'warn', what: counted(more, 'more hold'), why: 'The list shows held pages first.', link }];
}
