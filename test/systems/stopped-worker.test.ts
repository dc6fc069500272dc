import { describe, expect, it, vi } from 'vitest';
import type { AcceptedMessage, Fault } from '../../src/testing/index.ts';
import { textMessage } from '../support/messages.ts';
import { faults, neverTaken, points, sent, settledAs } from '../support/stopped-worker-cases.ts';
import { nextAttemptOf, setScene, untilEnded, type WorkerPoint } from '../support/stopped-worker.ts';
import { type End, expectEnd } from '../support/stopped-worker-end.ts';
import { useRedis } from '../support/use-redis.ts';

// Each kill costs some seconds until the lock has ended: they wait at the same time.
vi.setConfig({ testTimeout: 180_000, maxConcurrency: 5 });

interface Kill extends End {
  at: WorkerPoint;
  fault?: Fault;
  policy?: 'dead-letter';
  /** It must not be tried again before the time that was settled. */
  waits?: 'retrying' | 'held';
}

const WAIT_MS = 10_000;

const limitsOnce: Fault = { kind: 'status', status: 429, retryAfter: WAIT_MS / 1000, times: 1 };
const sentAfterHold = { waits: 'held', outcomes: ['held', 'delivered'], requests: 2 } as const;
const neverSentAgain = {
  policy: 'dead-letter',
  outcomes: ['unknown'],
  reason: 'unknown-outcome',
  requests: 1,
} as const;

const kills: Record<string, Kill> = {
  'before it takes anything: it is sent once, and nothing else is said of it': { at: points.idle, ...neverTaken },
  'taken, while the answer is on its way: unknown, then sent once': { at: points.givenOut, ...sent.once },
  'taken, not yet sent: unknown, then sent once': { at: points.taken, ...sent.once },
  'taken, right before the request leaves: unknown, then sent once': { at: points.aboutToSend, ...sent.once },
  'taken, while the API holds a request that it will not take: unknown, then sent again': {
    at: points.sending,
    fault: faults.ignoresOnce,
    ...sent.again,
  },
  'taken, while the API holds a request that it has taken: unknown, then sent again': {
    at: points.sending,
    fault: faults.swallowsOnce,
    ...sent.twice,
  },
  'taken, answered, not yet settled: unknown, then sent again': { at: points.answered, ...sent.twice },
  'delivered, while the settlement is on its way: not sent again, and the next one is sent once': {
    at: points.settling,
    ...settledAs.delivered,
  },
  'delivered, before it does anything else: not sent again, and the next one is sent once': {
    at: points.settled,
    ...settledAs.delivered,
  },
  'failed, not yet settled: unknown, then sent again': {
    at: points.answered,
    fault: faults.failsOnce,
    ...sent.again,
  },
  'failed, while the settlement is on its way: it waits for the time that was settled': {
    at: points.settling,
    fault: faults.failsOnce,
    waits: 'retrying',
    ...sent.again,
  },
  'failed and settled: it waits for the time that was settled': {
    at: points.settled,
    fault: faults.failsOnce,
    waits: 'retrying',
    ...sent.again,
  },
  'held, while the settlement is on its way: it waits for its time, and no attempt is used': {
    at: points.settling,
    fault: limitsOnce,
    ...sentAfterHold,
  },
  'held and settled: it waits for the time that was settled, and no attempt is used': {
    at: points.settled,
    fault: limitsOnce,
    ...sentAfterHold,
  },
  'dead, not yet settled: no dead letter is there until it is sent again': {
    at: points.answered,
    fault: faults.refuses,
    outcomes: ['unknown', 'rejected'],
    reason: 'rejected',
    requests: 2,
  },
  'dead, not yet settled, and delivered after all: no dead letter is left': {
    at: points.answered,
    fault: faults.refusesOnce,
    ...sent.again,
  },
  'dead, while the settlement is on its way: one dead letter, not sent again': {
    at: points.settling,
    fault: faults.refuses,
    ...settledAs.dead,
  },
  'dead and settled: one dead letter, not sent again': {
    at: points.settled,
    fault: faults.refuses,
    ...settledAs.dead,
  },
  'killed in mid-send under dead-letter, not taken by the API: dead, no second request': {
    at: points.sending,
    fault: faults.ignores,
    ...neverSentAgain,
  },
  'killed in mid-send under dead-letter, taken by the API: dead, no second request': {
    at: points.sending,
    fault: faults.swallows,
    ...neverSentAgain,
  },
};

describe('a worker that is killed', () => {
  const used = useRedis();

  it.concurrent.each(Object.entries(kills))('%s', async (_line, { at, fault, policy, waits, ...end }) => {
    const backoff = waits ? { backoffMs: WAIT_MS, backoffMaxMs: WAIT_MS } : {};
    await using scene = await setScene(used, {
      fault,
      config: { ...backoff, ...(policy ? { onUnknownOutcome: policy } : {}) },
    });
    await scene.stopWorker(at, 'SIGKILL');
    const nextAttemptAt = waits ? await nextAttemptOf(scene, waits) : 0;
    const other = await scene.enqueue(textMessage('c2', 1));
    scene.startWorker();

    const records = await untilEnded(scene, [...scene.ids, other]);
    await expectEnd(scene, records, end);
    const target = records.find(({ id }) => id === scene.target);
    expect(target?.attemptsUsed).toBe(target?.attempts.filter(({ usedAttempt }) => usedAttempt).length);
    expect(scene.requestsForTarget().at(-1)?.arrivedAt).toBeGreaterThanOrEqual(nextAttemptAt);
    // Nobody else has waited for what the killed worker left behind: its lock alone lasts 5 s.
    const arrivalOf = (which: (message: AcceptedMessage) => boolean): number =>
      scene.api.accepted.find(which)?.arrivedAt ?? Number.NaN;
    expect(arrivalOf(isOther) - arrivalOf(isLast)).toBeLessThan(4000);
  });
});

function isOther({ conversationId }: AcceptedMessage): boolean {
  return conversationId === 'c2';
}

function isLast({ conversationId, message }: AcceptedMessage): boolean {
  return conversationId === 'c1' && message.text === 'message 4';
}
