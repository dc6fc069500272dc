import { describe, expect, it } from 'vitest';
import { fieldsOf, statusFields, type StatusFields, statusOf } from '../../../src/shared/message-status.ts';

const nowMs = 10_000;
const untouched = fieldsOf(statusFields, []);

describe('statusOf', () => {
  it.each<[string, Partial<StatusFields>, string]>([
    ['waits', {}, 'queued'],
    ['is not due', { due: '10001' }, 'scheduled'],
    ['is due now', { due: '10000' }, 'queued'],
    ['was due once', { due: '9000' }, 'queued'],
    ['has an attempt open', { open: 'a' }, 'sending'],
    ['is in backoff', { next: '11000' }, 'retrying'],
    ['is past its backoff, and nobody has taken it yet', { next: '9000' }, 'retrying'],
    ['is put off by a hold', { next: '11000', held: '1' }, 'held'],
    ['is put off to a slot of its page', { next: '11000', pageSlot: '11000' }, 'queued'],
    ['is put off to a slot of the fleet', { next: '11000', fleetSlot: '11000' }, 'queued'],
    ['was scheduled and is in backoff', { due: '9000', next: '11000' }, 'retrying'],
    ['was delivered', { settled: 'delivered', due: '9000' }, 'delivered'],
    ['was cancelled before it was due', { settled: 'cancelled', due: '11000' }, 'cancelled'],
  ])('of a message that %s', (_what, fields, status) => {
    expect(statusOf({ ...untouched, ...fields }, nowMs)).toBe(status);
  });
});
