import type { DeadReason } from '../../shared/model/dead-letter.ts';
import type { Hold } from '../../shared/reading/holds.ts';
import type { Status } from '../../shared/reading/status.ts';
import { counted, formatDuration, formatRelative, shortened } from '../html/format.ts';
import { conversationPath, deadLetterPath, pagePath, query } from '../html/links.ts';

/** Something that needs an operator's attention, with a link to it. */
export interface Matter {
  tone: 'bad' | 'warn';
  /** The problem. */
  what: string;
  /** The cause or the consequence, and what to do. */
  why: string;
  link: { href: string; label: string } | null;
}

export interface AttentionFacts {
  status: Status;
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
  undecodable: 'This version can not read the stored messages.',
};

/** Everything that needs attention, problems first. Pure. */
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
          ? `${counted(open, 'message')} can't be sent until a worker is started with "kitechat-sender worker".`
          : 'No message waits now. None will be sent until a worker is started with "kitechat-sender worker".',
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

/** What a hold affects, why, and what ends it. */
export function matterOfHold(hold: Hold, nowMs: number): Matter {
  const { scope, page = '', conversation = '', reason, until, letter } = hold;
  const again = until === undefined ? 'now' : formatRelative(Date.parse(until), nowMs);
  switch (scope) {
    case 'all':
      return {
        tone: 'bad',
        what: 'Everything is held',
        why: 'An operator stopped all sending. No message is dropped; sending continues when everything is released.',
        link: { href: '#everything', label: 'Release everything' },
      };
    case 'api':
      return {
        tone: 'bad',
        what: 'The API is down',
        why: `Only one probe at a time is sent, the next ${again}. Sending continues by itself when a probe succeeds.`,
        link: null,
      };
    case 'key':
      return {
        tone: 'bad',
        what: 'The API refuses a key',
        why: `The pages of this key wait; the next probe is sent ${again}. Give the workers a key that works; they reread the key file by themselves.`,
        link: { href: '/workers', label: 'Workers' },
      };
    case 'page':
      return {
        tone: reason === 'operator' ? 'bad' : 'warn',
        what: `Page ${shortened(page)} is held`,
        why: whyPageIsHeld(reason, again),
        link: { href: pagePath(page), label: `Page ${shortened(page)}` },
      };
    case 'conversation':
      return {
        tone: 'bad',
        what: `Conversation ${shortened(conversation)} of page ${shortened(page)} is held`,
        why:
          reason === 'dead-letter'
            ? 'One of its messages died. Replay or discard that dead letter, or release the conversation.'
            : 'An operator stopped this conversation; its messages wait until it is released.',
        link:
          letter === undefined
            ? { href: conversationPath(page, conversation), label: `Conversation ${shortened(conversation)}` }
            : { href: deadLetterPath(letter), label: 'The dead letter' },
      };
  }
}

function whyPageIsHeld(reason: Hold['reason'], again: string): string {
  switch (reason) {
    case 'rate-limited':
      return `The API asked for a pause; sending continues by itself ${again}.`;
    case 'unauthorized':
      return `The workers have no API key for this page; they look for one again ${again}.`;
    default:
      return 'An operator stopped this page; its messages wait until it is released.';
  }
}
