import { describe, expect, it } from 'vitest';
import { judgeHealth } from '../../../src/console/observe/health.ts';
import type { WorkerHealth } from '../../../src/worker/index.ts';

const well: WorkerHealth = {
  id: 'host-1',
  phase: 'taking',
  phaseMs: 3_600_000,
  redis: { ready: true, sinceMs: 3_600_000, refusal: null, error: null },
  sinceTickMs: 300,
  oldestAttemptMs: 0,
  starvingMs: 0,
  concurrency: 50,
  sending: 0,
  timeoutMs: 10_000,
  shutdownMs: 25_000,
};
const away = { ready: false, sinceMs: 3_600_000, refusal: null, error: null };
const justBack = { ready: true, sinceMs: 1000, refusal: null, error: null };

interface Row {
  when: string;
  worker: Partial<WorkerHealth> | null;
  redisAnswers?: false;
  notAlive?: RegExp;
  /** The same as `notAlive` if that is given. */
  notReady?: RegExp;
}

const rows: Row[] = [
  { when: 'it takes messages', worker: {} },
  { when: 'it works on all that it can', worker: { sending: 50, oldestAttemptMs: 9000 } },
  { when: 'there is no worker and Redis answers', worker: null },
  { when: 'there is no worker and Redis is away', worker: null, redisAnswers: false, notReady: /Redis is away/ },
  { when: 'it starts', worker: { phase: 'starting', sinceTickMs: null, redis: justBack }, notReady: /is starting/ },
  {
    when: 'it waits for a Redis that was never there',
    worker: { phase: 'starting', sinceTickMs: null, redis: away },
    redisAnswers: false,
    notReady: /Redis is away/,
  },
  {
    when: 'Redis is away for an hour',
    worker: { redis: away, sinceTickMs: 3_600_000, starvingMs: 3_600_000 },
    redisAnswers: false,
    notReady: /Redis is away/,
  },
  {
    when: 'Redis hangs: the connection stands, and nobody gets an answer',
    worker: { sinceTickMs: 3_600_000 },
    redisAnswers: false,
    notReady: /Redis is away/,
  },
  {
    when: 'Redis refuses the password',
    worker: { redis: { ...away, error: 'WRONGPASS' }, sinceTickMs: 3_600_000 },
    redisAnswers: false,
    notReady: /^Redis is away \(WRONGPASS\)$/,
  },
  { when: 'Redis came back after an hour', worker: { redis: justBack, sinceTickMs: 3_600_000, starvingMs: 3_600_000 } },
  {
    when: 'Redis came back for others first',
    worker: { redis: { ready: false, sinceMs: 25_000, refusal: null, error: null }, sinceTickMs: 25_000 },
    notReady: /Redis is away/,
  },
  {
    when: 'Redis is a replica, from which a console reads',
    worker: {
      redis: { ready: false, sinceMs: 3_600_000, refusal: 'READONLY', error: 'READONLY' },
      sinceTickMs: 3_600_000,
    },
    notReady: /takes no writes now \(READONLY\)/,
  },
  {
    when: 'Redis is back for others only',
    worker: { redis: away },
    notAlive: /own connection has been away for 3600 s/,
  },
  { when: 'its periodic task is late', worker: { sinceTickMs: 19_000 } },
  { when: 'its periodic task stands still', worker: { sinceTickMs: 21_000 }, notAlive: /task has not run for 21 s/ },
  {
    when: 'its periodic task has never run',
    worker: {
      phase: 'starting',
      sinceTickMs: null,
      redis: { ready: true, sinceMs: 21_000, refusal: null, error: null },
    },
    notAlive: /task has not run for 21 s/,
  },
  { when: 'messages have waited for a moment', worker: { starvingMs: 19_000 } },
  {
    when: 'it takes none of the messages that wait',
    worker: { starvingMs: 21_000 },
    notAlive: /none was taken for 21 s/,
  },
  { when: 'an attempt takes its time', worker: { sending: 1, oldestAttemptMs: 39_000 } },
  {
    when: 'an attempt does not end',
    worker: { sending: 1, oldestAttemptMs: 41_000 },
    notAlive: /open for 41 s, with a KITECHAT_TIMEOUT_MS of 10000/,
  },
  {
    when: 'an attempt does not end, and Redis is away',
    worker: { redis: away, oldestAttemptMs: 41_000 },
    redisAnswers: false,
    notAlive: /open for 41 s/,
  },
  { when: 'it drains', worker: { phase: 'draining', phaseMs: 24_000, sinceTickMs: 24_000 }, notReady: /shutting down/ },
  {
    when: 'it drains without Redis',
    worker: { phase: 'draining', phaseMs: 1000, redis: away },
    redisAnswers: false,
    notReady: /shutting down/,
  },
  {
    when: 'its drain does not end',
    worker: { phase: 'draining', phaseMs: 36_000 },
    notAlive: /shutdown has taken 36 s/,
  },
  { when: 'it has ended', worker: { phase: 'ended' }, notAlive: /has ended/ },
];

describe('the health of a process', () => {
  it.each(rows)('when $when', ({ worker, redisAnswers = true, notAlive, notReady = notAlive }) => {
    const health = judgeHealth({ worker: worker && { ...well, ...worker }, redisAnswers });
    expect(health.notAlive ?? 'alive').toMatch(notAlive ?? /^alive$/);
    expect(health.notReady ?? 'ready').toMatch(notReady ?? /^ready$/);
  });
});
