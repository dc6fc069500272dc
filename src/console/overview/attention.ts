import type { DeadReason } from '../../shared/model/dead-letter.ts';
import type { Hold } from '../../shared/reading/holds.ts';
import type { Status } from '../../shared/reading/status.ts';
import { counted, formatDuration, formatRelative, shortened } from '../html/format.ts';
import { conversationPath, deadLetterPath, pagePath, query } from '../html/links.ts';

/** Something that an operator should look at, and where. */
export interface Matter {
  tone: 'bad' | 'warn';
  /** What is the case. */
  what: string;
  /** Why, or what comes of it. */
  why: string;
  link: { href: string; label: string } | null;
}

export interface AttentionFacts {
  status: Status;
  /** What died in the last hour. */
  lately: Record<DeadReason, number>;
  nowMs: number;
}

/** A message that could be sent, and waits for longer than this, waits too long. */
export const TOO_LONG_MS = 60_000;
const MAX_HOLDS = 10;
const HOUR_MS = 3_600_000;

const DEATHS: Record<DeadReason, string> = {
  rejected: 'the API refused them: read its answer, edit and replay',
  exhausted: 'every attempt failed: see what the attempts met, and replay when it is mended',
  expired: 'they had become too old before they could be sent',
  'unknown-outcome': 'nobody can know whether they arrived: ask the receiver before a replay',
  crashed: 'a worker died with each of them, again and again: tell the developers',
  undecodable: 'this version can not read what was stored',
};

/** Whatever needs a hand, the worst first. Pure. */
export function mattersOf({ status, lately, nowMs }: AttentionFacts): Matter[] {
  const matters = [
    ...ofWorkers(status),
    ...ofHolds(status.holds, nowMs),
    ...ofWaiting(status),
    ...ofDeaths(lately, nowMs),
  ];
  return matters.toSorted((one, other) => Number(other.tone === 'bad') - Number(one.tone === 'bad'));
}

function ofWorkers({ workers, ...counts }: Status): Matter[] {
  if (workers.length > 0) return [];
  const open = counts.queued + counts.retrying + counts.held + counts.scheduled + counts.sending;
  return [
    {
      tone: open > 0 ? 'bad' : 'warn',
      what: 'No worker is running',
      why:
        open > 0
          ? `${counted(open, 'message')} can't be sent until one is started with "kitechat-sender worker".`
          : 'Nothing waits now, and nothing will be sent until one is started with "kitechat-sender worker".',
      link: { href: '/workers', label: 'Workers' },
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
        ? 'Something is held; messages behind it wait.'
        : 'The workers, a limit or a conversation is too slow.',
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
            why: `Not delivered; ${DEATHS[reason as DeadReason]}.`,
            link: { href: `/dead-letters?${query({ reason, since })}`, label: `Look at those ${reason}` },
          },
        ],
  );
}

function ofHolds(holds: readonly Hold[], nowMs: number): Matter[] {
  const shown = holds.slice(0, MAX_HOLDS).map((hold) => matterOfHold(hold, nowMs));
  const more = holds.length - shown.length;
  if (more <= 0) return shown;
  const link = { href: '/pages', label: 'All held pages' };
  return [
    ...shown,
    { tone: 'warn', what: counted(more, 'more hold'), why: 'Held pages stand first in the list.', link },
  ];
}

/** What a hold keeps back, why, and what ends it. */
export function matterOfHold(hold: Hold, nowMs: number): Matter {
  const { scope, page = '', conversation = '', reason, until, letter } = hold;
  const again = until === undefined ? 'now' : formatRelative(Date.parse(until), nowMs);
  switch (scope) {
    case 'all':
      return {
        tone: 'bad',
        what: 'Everything is held',
        why: 'An operator stopped all sending; nothing is dropped, and it goes on when it is released.',
        link: { href: '#everything', label: 'Release everything' },
      };
    case 'api':
      return {
        tone: 'bad',
        what: 'The API is down',
        why: `Nothing is sent but one probe at a time, the next ${again}. It goes on by itself when one succeeds.`,
        link: null,
      };
    case 'key':
      return {
        tone: 'bad',
        what: 'The API refuses a key',
        why: `Its pages wait; the next probe goes ${again}. Give the workers a key that works; they read its file again by themselves.`,
        link: { href: '/workers', label: 'Workers' },
      };
    case 'page':
      return {
        tone: reason === 'operator' ? 'bad' : 'warn',
        what: `Page ${shortened(page)} is held`,
        why:
          reason === 'rate-limited'
            ? `The API asked for a pause; it goes on ${again} by itself.`
            : 'An operator stopped it; its messages wait until it is released.',
        link: { href: pagePath(page), label: `Page ${shortened(page)}` },
      };
    case 'conversation':
      return {
        tone: 'bad',
        what: `Conversation ${shortened(conversation)} of page ${shortened(page)} is held`,
        why:
          reason === 'dead-letter'
            ? 'A message of it died. Replay or discard that dead letter, or release the conversation.'
            : 'An operator stopped it; its messages wait until it is released.',
        link:
          letter === undefined
            ? { href: conversationPath(page, conversation), label: `Conversation ${shortened(conversation)}` }
            : { href: deadLetterPath(letter), label: 'The dead letter' },
      };
  }
}
