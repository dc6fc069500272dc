import type { AttemptRecord, OutcomeKind } from '../../shared/model/attempts.ts';
import { counted, formatCount } from './format.ts';
import type { Html } from './layout.ts';
import { badge, type Column, table, time, type Tone } from './parts.ts';
import type { MessageStatus } from '../../shared/model/message-status.ts';

const OUTCOME_TONES: Record<OutcomeKind, Tone> = {
  delivered: 'good',
  rejected: 'bad',
  failed: 'bad',
  unknown: 'warn',
  'not-sent': 'quiet',
  held: 'quiet',
};

const columns: Column<AttemptRecord>[] = [
  { name: 'At', cell: ({ at }) => time(at), isHeader: true },
  { name: 'Outcome', cell: ({ outcome }) => outcomeBadge(outcome) },
  { name: 'HTTP', cell: ({ httpStatus }) => httpStatus?.toString() ?? '–', isNumber: true },
  { name: 'Took', cell: ({ durationMs }) => `${formatCount(Math.round(durationMs))} ms`, isNumber: true },
  { name: 'Counts', cell: ({ usedAttempt }) => (usedAttempt ? 'yes' : 'no') },
  { name: 'Detail', cell: ({ detail }) => detail ?? '' },
];

export function outcomeBadge(outcome: OutcomeKind): Html {
  return badge(outcome, OUTCOME_TONES[outcome]);
}

/** All remembered attempts to send a message. */
export function attemptTable(attempts: readonly AttemptRecord[]): Html {
  return table(counted(attempts.length, 'attempt'), columns, attempts, 'No attempt was made to send it.');
}

const STATUS_TONES: Record<MessageStatus | 'dead', Tone> = {
  scheduled: 'quiet',
  queued: 'quiet',
  sending: 'good',
  retrying: 'warn',
  held: 'warn',
  delivered: 'good',
  cancelled: 'quiet',
  superseded: 'quiet',
  dead: 'bad',
};

/** The status of a message; `null` if it ended while it was read. */
export function statusBadge(status: MessageStatus | 'dead' | null): Html {
  return status === null ? badge('just ended', 'quiet') : badge(status, STATUS_TONES[status]);
}
