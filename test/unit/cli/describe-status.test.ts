import { describe, expect, it } from 'vitest';
import {
  describeMovingStatus,
  describeStatus,
  machineReadable,
  type ShownStatus,
} from '../../../src/cli/commands/describe-status.ts';
import type { Hold } from '../../../src/shared/reading/holds.ts';
import type { Status } from '../../../src/shared/reading/status.ts';
import { calmStatus } from '../../support/calm-status.ts';

const site = 'redis://127.0.0.1:6379/0, namespace kitechat';
const nowMs = Date.parse('2026-11-22T10:02:15.500Z');
const since = '2026-11-22T10:02:11.123Z';
const until = '2026-11-22T10:02:19.000Z';

function statusOf(status: Partial<Status>): ShownStatus {
  return { status: { ...calmStatus, ...status }, isUsed: true, isReplica: false, site, nowMs };
}

function statusWith(...versions: string[]): ShownStatus {
  return statusOf({
    workers: versions.map((version, n) => ({
      id: `host-${n}`,
      version,
      since: '2026-11-22T10:00:00.000Z',
      concurrency: 50,
      sending: 0,
    })),
  });
}

/** The lines about holds. */
function linesFor(...holds: Hold[]): string[] {
  const lines = describeStatus(statusOf({ holds })).split('\n');
  return lines.slice(lines.findIndex((line) => line.startsWith('hold')));
}

describe('status for people', () => {
  it('says in one line that the workers run different versions', () => {
    const lines = describeStatus(statusWith('0.2.0', '0.2.1', '0.2.0')).split('\n');
    expect(lines.at(-1)).toBe('The workers run different versions: 0.2.0 (2), 0.2.1 (1).');
  });

  it('says nothing of it if all run the same one', () => {
    expect(describeStatus(statusWith('0.2.0', '0.2.0'))).not.toContain('different versions');
  });

  it("names BullMQ's settings that others have changed, that they have no effect, and what removes them", () => {
    const foreignSettings = [
      { shard: 0, queue: 'send' as const, settings: ['paused', 'max'] },
      { shard: 1, queue: 'dead' as const, settings: ['limiter'] },
    ];
    const found = statusOf({ foreignSettings });
    const named = 'paused, max of the queue send of shard 0; limiter of the queue dead of shard 1. They have no effect';
    const unchanged = { scheduled: 0, queued: 0, sending: 0, retrying: 0, held: 0, dead: 0 };
    for (const text of [describeStatus(found), describeMovingStatus(found, unchanged)]) {
      expect(text).toContain(named);
      expect(text).toContain('remove them with "kitechat-sender repair"');
    }
    const config = { redisUrl: 'redis://127.0.0.1:6379/0', namespace: 'kitechat' };
    expect(machineReadable(found.status, config).foreignSettings).toEqual(foreignSettings);
    expect(machineReadable(calmStatus, config)).not.toHaveProperty('foreignSettings');
  });

  it('has no table of holds if there are none', () => {
    expect(describeStatus(statusOf({}))).not.toContain('hold');
  });

  it('says of each hold whose it is, since when, what happens next, and what has shown it', () => {
    const evidence = 'HTTP 500 from 5 conversations of page p7';
    expect(
      linesFor(
        { scope: 'api', reason: 'refusing', evidence: 'HTTP 404 from 20 conversations', since },
        { scope: 'page', page: 'p7', reason: 'api-down', evidence, since, until },
        { scope: 'conversation', page: 'p1', conversation: 'c1', reason: 'dead-letter', letter: '0-01X' },
      ),
    ).toEqual([
      'hold          page  conversation  reason       since      next                        evidence',
      'api           –     –             refusing     10:02:11Z  a probe is due              HTTP 404 from 20 conversations',
      'page          p7    –             api-down     10:02:11Z  probe in 4 s                HTTP 500 from 5 conversations',
      'conversation  p1    c1            dead-letter  –          replay, discard or release  dead letter 0-01X',
    ]);
  });

  it('leaves out the columns that no hold needs', () => {
    expect(linesFor({ scope: 'all', reason: 'operator' })).toEqual(['hold  reason    next', 'all   operator  release']);
  });

  it('says whether messages leave at a pace, and the date of an old hold', () => {
    const hold = { scope: 'page', page: 'p1', reason: 'rate-limited', isPaced: true } as const;
    expect(linesFor({ ...hold, since: '2026-11-20T08:00:00.000Z' }, { ...hold, since, until })).toEqual([
      'hold  page  reason        since              next',
      'page  p1    rate-limited  2026-11-20T08:00Z  messages leave at a pace',
      'page  p1    rate-limited  10:02:11Z          messages leave in 4 s',
    ]);
  });

  it('says when workers look for the key of a page again', () => {
    const evidence = 'there is no API key for this page';
    expect(linesFor({ scope: 'page', page: 'p6', reason: 'unauthorized', evidence, since, until })[1]).toBe(
      'page  p6    unauthorized  10:02:11Z  look for a key in 4 s  there is no API key for this page',
    );
  });

  it('names the pages that a key stops, at most as many as it got, and where the key is from', () => {
    const evidence = 'HTTP 401 from 1 conversation';
    const hold = {
      scope: 'key',
      key: 'ab12',
      reason: 'unauthorized',
      evidence,
      keySource: 'KITECHAT_API_KEYS_FILE',
    } as const;
    const long = 'x'.repeat(256);
    const lines = linesFor(
      { ...hold, pages: ['p1', long], pageCount: 25 },
      { ...hold, key: 'cd34', pages: ['\u001b[2Jp\n9'], pageCount: 1 },
      { ...hold, key: 'ef56', pages: [], pageCount: 0 },
    );
    expect(lines.slice(1)).toEqual([
      ...Array<string>(3).fill('key   unauthorized  a probe is due  HTTP 401 from 1 conversation'),
      `The key ab12 from KITECHAT_API_KEYS_FILE stops 25 pages: p1, ${'x'.repeat(39)}…, 23 more.`,
      'The key cd34 from KITECHAT_API_KEYS_FILE stops 1 page:  [2Jp 9.',
      'The key ef56 from KITECHAT_API_KEYS_FILE stops 0 pages.',
    ]);
  });
});

describe('status that is redrawn', () => {
  it('has the holds before the workers, which a low window cuts off', () => {
    const { status } = statusWith('0.2.0');
    const lines = describeMovingStatus(
      {
        status: { ...status, holds: [{ scope: 'api', reason: 'api-down', since, until }] },
        isUsed: true,
        isReplica: false,
        site,
        nowMs,
      },
      { scheduled: 0, queued: 0, sending: 0, retrying: 0, held: 0, dead: 0 },
    ).split('\n');
    expect(lines).toContain('api   api-down  10:02:11Z  probe in 4 s');
    const place = (start: string): number => lines.findIndex((line) => line.startsWith(start));
    expect(place('hold')).toBeLessThan(place('worker'));
  });
});

const names = { redisUrl: 'redis://u:hunter2@127.0.0.1:6379/0', namespace: 'kitechat' };

describe('status for machines', () => {
  it('has the fields of a hold in the order of the documentation', () => {
    const hold: Required<Hold> = {
      pages: ['p1'],
      pageCount: 1,
      keySource: 'KITECHAT_API_KEY',
      isPaced: true,
      until,
      since,
      evidence: 'HTTP 429 from 3 conversations',
      letter: '0-01X',
      reason: 'rate-limited',
      key: 'ab12',
      conversation: 'c1',
      page: 'p1',
      scope: 'key',
    };
    const [ordered] = machineReadable({ ...calmStatus, holds: [hold] }, names).holds;
    expect(Object.keys(ordered ?? {}).join(' ')).toBe(
      'scope page conversation key reason letter evidence since until isPaced keySource pages pageCount',
    );
    expect(ordered).toEqual(hold);
  });

  it('has only the fields that a hold has', () => {
    const holds: Hold[] = [{ scope: 'all', reason: 'operator' }];
    expect(JSON.stringify(machineReadable({ ...calmStatus, holds }, names).holds)).toBe(JSON.stringify(holds));
  });

  it('names the Redis without its password, and the namespace', () => {
    const found = machineReadable(calmStatus, names);
    expect(found).toEqual({ ...calmStatus, redis: 'redis://127.0.0.1:6379/0', namespace: 'kitechat' });
  });
});

describe('status of a replica', () => {
  it('says on top that nothing is sent through it', () => {
    const lines = describeStatus({ ...statusOf({}), isReplica: true }).split('\n');
    expect(lines.slice(0, 3)).toEqual([
      `Redis: ${site}`,
      'This Redis is a read-only replica: nothing is stored or sent through it. REDIS_URL of apps and workers must name its primary.',
      '',
    ]);
  });
});

describe('status of a Redis that nothing has used', () => {
  it('says so, and asks whether the variables are right', () => {
    const lines = describeStatus({ ...statusOf({}), isUsed: false }).split('\n');
    expect(lines.slice(0, 3)).toEqual([
      `Redis: ${site}`,
      'No kitechat-sender has used this namespace there yet. Are REDIS_URL and KITECHAT_NAMESPACE right?',
      '',
    ]);
  });
});
