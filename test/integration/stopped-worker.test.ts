import { describe, expect, it, vi } from 'vitest';
import type { OutcomeKind } from '../../src/producer/index.ts';
import type { AcceptedMessage, Fault } from '../../src/testing/index.ts';
import { textMessage } from '../support/messages.ts';
import {
  atTarget,
  expectAllInOrder,
  nextAttemptOf,
  outcomesOf,
  setScene,
  untilEnded,
  type WorkerPoint,
} from '../support/stopped-worker.ts';
import { useRedis } from '../support/use-redis.ts';

// Each kill costs some seconds until the lock has ended: they wait at the same time.
vi.setConfig({ testTimeout: 180_000, maxConcurrency: 5 });

interface Kill {
  line: string;
  at: WorkerPoint;
  fault?: Fault;
  policy?: 'dead-letter';
  /** It must not be tried again before the time that was settled. */
  waits?: 'retrying' | 'held';
  /** What its history says in the end. */
  outcomes: OutcomeKind[];
  reason?: 'rejected' | 'unknown-outcome';
  requests: number;
  duplicates?: 1;
  /** What the next message's history says: the call that settles one takes another. */
  next?: OutcomeKind[];
}

const WAIT_MS = 10_000;

const kills: Kill[] = [
  {
    line: 'before it takes anything: it is sent once, and nothing else is said of it',
    at: { command: 'laneTurn', when: 'before', at: 'any' },
    outcomes: ['delivered'],
    requests: 1,
  },
  {
    line: 'taken, while the answer is on its way: unknown, then sent once',
    at: { command: 'laneTurn', when: 'sent', at: 'first' },
    outcomes: ['unknown', 'delivered'],
    requests: 1,
  },
  {
    line: 'taken, not yet sent: unknown, then sent once',
    at: { command: 'take', when: 'answered' },
    outcomes: ['unknown', 'delivered'],
    requests: 1,
  },
  {
    line: 'taken, right before the request leaves: unknown, then sent once',
    at: { command: 'post', when: 'before' },
    outcomes: ['unknown', 'delivered'],
    requests: 1,
  },
  {
    line: 'taken, while the API holds a request that it will not take: unknown, then sent again',
    at: 'request',
    fault: { kind: 'hang', times: 1 },
    outcomes: ['unknown', 'delivered'],
    requests: 2,
  },
  {
    line: 'taken, while the API holds a request that it has taken: unknown, then sent again',
    at: 'request',
    fault: { kind: 'hang', accept: true, times: 1 },
    outcomes: ['unknown', 'delivered'],
    requests: 2,
    duplicates: 1,
  },
  {
    line: 'taken, answered, not yet settled: unknown, then sent again',
    at: { command: 'laneTurn', when: 'before' },
    outcomes: ['unknown', 'delivered'],
    requests: 2,
    duplicates: 1,
  },
  {
    line: 'delivered, while the settlement is on its way: not sent again, and the next one is sent once',
    at: { command: 'laneTurn', when: 'sent' },
    outcomes: ['delivered'],
    requests: 1,
    next: ['unknown', 'delivered'],
  },
  {
    line: 'delivered, before it does anything else: not sent again, and the next one is sent once',
    at: { command: 'laneTurn', when: 'answered' },
    outcomes: ['delivered'],
    requests: 1,
    next: ['unknown', 'delivered'],
  },
  {
    line: 'failed, not yet settled: unknown, then sent again',
    at: { command: 'laneTurn', when: 'before' },
    fault: { kind: 'status', status: 500, times: 1 },
    outcomes: ['unknown', 'delivered'],
    requests: 2,
  },
  {
    line: 'failed, while the settlement is on its way: it waits for the time that was settled',
    at: { command: 'laneTurn', when: 'sent' },
    fault: { kind: 'status', status: 500, times: 1 },
    waits: 'retrying',
    outcomes: ['unknown', 'delivered'],
    requests: 2,
  },
  {
    line: 'failed and settled: it waits for the time that was settled',
    at: { command: 'laneTurn', when: 'answered' },
    fault: { kind: 'status', status: 500, times: 1 },
    waits: 'retrying',
    outcomes: ['unknown', 'delivered'],
    requests: 2,
  },
  {
    line: 'held, while the settlement is on its way: it waits for its time, and no attempt is used',
    at: { command: 'laneTurn', when: 'sent' },
    fault: { kind: 'status', status: 429, retryAfter: WAIT_MS / 1000, times: 1 },
    waits: 'held',
    outcomes: ['held', 'delivered'],
    requests: 2,
  },
  {
    line: 'held and settled: it waits for the time that was settled, and no attempt is used',
    at: { command: 'laneTurn', when: 'answered' },
    fault: { kind: 'status', status: 429, retryAfter: WAIT_MS / 1000, times: 1 },
    waits: 'held',
    outcomes: ['held', 'delivered'],
    requests: 2,
  },
  {
    line: 'dead, not yet settled: no dead letter is there until it is sent again',
    at: { command: 'laneTurn', when: 'before' },
    fault: { kind: 'status', status: 400 },
    outcomes: ['unknown', 'rejected'],
    reason: 'rejected',
    requests: 2,
  },
  {
    line: 'dead, not yet settled, and delivered after all: no dead letter is left',
    at: { command: 'laneTurn', when: 'before' },
    fault: { kind: 'status', status: 400, times: 1 },
    outcomes: ['unknown', 'delivered'],
    requests: 2,
  },
  {
    line: 'dead, while the settlement is on its way: one dead letter, not sent again',
    at: { command: 'laneTurn', when: 'sent' },
    fault: { kind: 'status', status: 400 },
    outcomes: ['rejected'],
    reason: 'rejected',
    requests: 1,
    next: ['unknown', 'delivered'],
  },
  {
    line: 'dead and settled: one dead letter, not sent again',
    at: { command: 'laneTurn', when: 'answered' },
    fault: { kind: 'status', status: 400 },
    outcomes: ['rejected'],
    reason: 'rejected',
    requests: 1,
    next: ['unknown', 'delivered'],
  },
  {
    line: 'killed in mid-send under dead-letter, not taken by the API: dead, no second request',
    at: 'request',
    fault: { kind: 'hang' },
    policy: 'dead-letter',
    outcomes: ['unknown'],
    reason: 'unknown-outcome',
    requests: 1,
  },
  {
    line: 'killed in mid-send under dead-letter, taken by the API: dead, no second request',
    at: 'request',
    fault: { kind: 'hang', accept: true },
    policy: 'dead-letter',
    outcomes: ['unknown'],
    reason: 'unknown-outcome',
    requests: 1,
  },
];

describe('a worker that is killed', () => {
  const used = useRedis();

  it.concurrent.each(kills)('$line', async (kill) => {
    const { at, fault, policy, waits, outcomes, reason, requests, duplicates = 0, next = ['delivered'] } = kill;
    const backoff = waits ? { backoffMs: WAIT_MS, backoffMaxMs: WAIT_MS } : {};
    await using scene = await setScene(used, {
      faults: fault ? [atTarget(fault)] : [],
      config: { ...backoff, ...(policy ? { onUnknownOutcome: policy } : {}) },
    });
    await scene.stopWorker(at, 'SIGKILL');
    const nextAttemptAt = waits ? await nextAttemptOf(scene, waits) : 0;
    const other = await scene.enqueue(textMessage('c2', 1));
    scene.startWorker();

    const records = await untilEnded(scene, [...scene.ids, other]);
    const [target, ...others] = records.toSorted(({ id }) => (id === scene.target ? -1 : 1));
    expect(target && outcomesOf(target)).toEqual(outcomes);
    expect(target).toMatchObject({
      status: reason ? 'dead' : 'delivered',
      attemptsUsed: target?.attempts.filter(({ usedAttempt }) => usedAttempt).length,
      ...(reason ? { reason } : {}),
    });
    for (const record of others) {
      expect(record).toMatchObject({ status: 'delivered' });
      expect(outcomesOf(record)).toEqual(record.id === scene.ids[2] ? next : ['delivered']);
    }
    expect(scene.requestsForTarget()).toHaveLength(requests);
    expect(scene.requestsForTarget().at(-1)?.arrivedAt).toBeGreaterThanOrEqual(nextAttemptAt);
    expect(await scene.deadLetters.count()).toBe(reason ? 1 : 0);
    expect(scene.api.report()).toMatchObject({
      requests: 4 + requests,
      duplicates: { count: duplicates },
      overlaps: { count: 0 },
    });
    // Nobody else has waited for what the killed worker left behind: its lock alone lasts 5 s.
    const arrivalOf = (which: (message: AcceptedMessage) => boolean): number =>
      scene.api.accepted.find(which)?.arrivedAt ?? Number.NaN;
    expect(arrivalOf(isOther) - arrivalOf(isLast)).toBeLessThan(2000);
    await expectAllInOrder(scene, records);
  });
});

function isOther({ conversationId }: AcceptedMessage): boolean {
  return conversationId === 'c2';
}

function isLast({ conversationId, message }: AcceptedMessage): boolean {
  return conversationId === 'c1' && message.text === 'message 4';
}
