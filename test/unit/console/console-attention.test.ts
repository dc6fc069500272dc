import { describe, expect, it } from 'vitest';
import type { Matter } from '../../../src/console/html/matter.ts';
import { type AttentionFacts, mattersOf, TOO_LONG_MS } from '../../../src/console/overview/attention.ts';
import type { Hold } from '../../../src/shared/reading/holds.ts';
import type { Status } from '../../../src/shared/reading/status.ts';
import { calmStatus } from '../../support/calm-status.ts';

const NOW_MS = Date.parse('2026-11-22T03:00:00Z');
const worker = { id: 'w1', version: '1.0.0', since: '2026-11-22T00:00:00Z', concurrency: 50, sending: 0 };
const calm: Status = { ...calmStatus, workers: [worker] };
const none = { rejected: 0, exhausted: 0, expired: 0, 'unknown-outcome': 0, crashed: 0, undecodable: 0 };

function matters(status: Partial<Status>, lately: Partial<AttentionFacts['lately']> = {}): Matter[] {
  return mattersOf({
    status: { ...calm, ...status },
    lately: { ...none, ...lately },
    isUsed: true,
    isReplica: false,
    nowMs: NOW_MS,
  });
}

const until = new Date(NOW_MS + 12_000).toISOString();
const holds: [Hold, what: string, why: string, href: string | null][] = [
  [{ scope: 'all', reason: 'operator' }, 'Everything is held', 'when everything is released', '#everything'],
  [{ scope: 'api', reason: 'api-down', until }, 'The API is down', 'The next probe is sent in 12 s', null],
  [{ scope: 'page', page: 'p1', reason: 'operator' }, 'Page p1 is held', 'until it is released', '/pages/p1'],
  [{ scope: 'page', page: 'p/1', reason: 'api-down' }, 'Everything fails on page p/1', 'probe is due', '/pages/p%2F1'],
  [
    { scope: 'conversation', page: 'p1', conversation: 'c1', reason: 'dead-letter' },
    'Conversation c1 of page p1 is held',
    'Replay or discard that dead letter',
    '/find?page=p1&conversation=c1',
  ],
];

describe('what needs attention', () => {
  it('is nothing while workers run, nothing is held and nothing dies', () => {
    expect(matters({})).toEqual([]);
    expect(matters({ queued: 500, oldestQueuedMs: TOO_LONG_MS - 1 })).toEqual([]);
  });

  it('a namespace that nothing has used is told in place of the missing worker, which would mislead', () => {
    const facts = { status: { ...calm, workers: [] }, isUsed: false, isReplica: false, lately: none, nowMs: NOW_MS };
    expect(mattersOf(facts)).toMatchObject([
      { tone: 'warn', what: 'No kitechat-sender has used this namespace yet', link: null },
    ]);
  });

  it('a replica is told first', () => {
    const facts = { status: { ...calm, workers: [] }, isUsed: true, isReplica: true, lately: none, nowMs: NOW_MS };
    expect(mattersOf(facts)[0]).toMatchObject({ tone: 'bad', what: 'This Redis is a read-only replica' });
  });

  it("BullMQ's settings that others have changed are named, with the place to remove them", () => {
    const found = matters({ foreignSettings: [{ shard: 2, queue: 'send', settings: ['paused'] }] });
    expect(found).toMatchObject([{ tone: 'warn', link: { href: '#settings' } }]);
    expect(found[0]?.why).toContain('paused of the queue send of shard 2. They have no effect');
  });

  it('a missing worker is a problem when messages wait, and to be watched otherwise', () => {
    expect(matters({ workers: [], queued: 3 })).toMatchObject([{ tone: 'bad', link: { href: '/workers' } }]);
    expect(matters({ workers: [], queued: 3 })[0]?.why).toContain('3 messages');
    expect(matters({ workers: [] })).toMatchObject([{ tone: 'warn' }]);
  });

  it('a message that waits too long is told, unless it is told already that no worker runs', () => {
    const late = { queued: 1, oldestQueuedMs: TOO_LONG_MS };
    expect(matters(late)).toMatchObject([{ tone: 'warn', link: { href: '/pages' } }]);
    expect(matters({ ...late, workers: [] })).toHaveLength(1);
  });

  it.each(holds)('a hold is told with its reason, its end and the way to it: %j', (hold, what, why, href) => {
    const [matter] = matters({ holds: [hold] });
    expect(matter?.what).toBe(what);
    expect(matter?.why).toContain(why);
    expect(matter?.link?.href ?? null).toBe(href);
  });

  it('deaths of the last hour lead to exactly those, by their reason', () => {
    const [matter, ...others] = matters({}, { rejected: 1_200 });
    expect(others).toEqual([]);
    expect(matter?.what).toBe('1,200 messages died in the last hour: rejected');
    expect(matter?.link?.href).toBe('/dead-letters?reason=rejected&since=2026-11-22T02%3A00');
  });

  it('problems come before what is to be watched, and many holds are summed up', () => {
    const many = Array.from({ length: 40 }, (_, n): Hold => ({ scope: 'page', page: `p${n}`, reason: 'rate-limited' }));
    const all = matters({ holds: many }, { crashed: 1 });
    expect(all[0]).toMatchObject({ tone: 'bad', what: '1 message died in the last hour: crashed' });
    expect(all).toHaveLength(12);
    expect(all.at(-1)?.what).toBe('30 more holds');
  });
});
