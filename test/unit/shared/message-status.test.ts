import { describe, expect, it } from 'vitest';
import { fieldsOf, statusFields, type StatusFields, statusOf } from '../../../src/shared/model/message-status.ts';

const nowMs = 10_000;
const untouched = fieldsOf(statusFields, []);

describe('statusOf', () => {
  it.each<[string, Partial<StatusFields>, string]>([
    ['waits', {}, 'queued'],
    ['was due once, and waits', { due: '9000' }, 'queued'],
    ['was released to the workers', { place: 'released' }, 'queued'],
    ['is not due', { place: 'scheduled', due: '10001' }, 'scheduled'],
    ['is due now, and nobody has looked yet', { place: 'scheduled', due: '10000' }, 'queued'],
    ['is being sent', { place: 'sending', due: '9000' }, 'sending'],
    ['is in backoff', { place: 'put-off', why: 'backoff', next: '11000' }, 'retrying'],
    [
      'is past its backoff, and nobody has taken it yet',
      { place: 'put-off', why: 'backoff', next: '9000' },
      'retrying',
    ],
    ['was scheduled and is in backoff', { place: 'put-off', why: 'backoff', due: '9000', next: '11000' }, 'retrying'],
    ['is put off by a hold', { place: 'put-off', why: 'hold', next: '11000' }, 'held'],
    ['was delivered', { place: 'ended', why: 'delivered', due: '9000' }, 'delivered'],
    ['was cancelled before it was due', { place: 'ended', why: 'cancelled', due: '11000' }, 'cancelled'],
    ['is at a place that this version does not know', { place: 'parked' }, 'queued'],
  ])('of a message that %s', (_what, fields, status) => {
    expect(statusOf({ ...untouched, ...fields }, nowMs)).toBe(status);
  });
});
