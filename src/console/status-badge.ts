import type { MessageStatus } from '../shared/message-status.ts';
import type { Html } from './html.ts';
import { badge, type Tone } from './parts.ts';

const TONES: Record<MessageStatus | 'dead', Tone> = {
  scheduled: 'quiet',
  queued: 'quiet',
  sending: 'good',
  retrying: 'warn',
  held: 'warn',
  delivered: 'good',
  cancelled: 'quiet',
  dead: 'bad',
};

/** Where a message stands; `null` if it ended while it was read. */
export function statusBadge(status: MessageStatus | 'dead' | null): Html {
  return status === null ? badge('just ended', 'quiet') : badge(status, TONES[status]);
}
