import { describe, expect, it, vi } from 'vitest';
import type { OutcomeKind } from '../../src/producer/index.ts';
import { jobKeys } from '../../src/shared/lanes/shard.ts';
import type { Fault } from '../../src/testing/index.ts';
import type { CommandProcess } from '../support/command-line.ts';
import { eventually } from '../support/eventually.ts';
import { textMessage } from '../support/messages.ts';
import { faults, neverTaken, points, sent, settledAs } from '../support/stopped-worker-cases.ts';
import { type End, expectEnd } from '../support/stopped-worker-end.ts';
import { setScene, untilEnded, type WorkerPoint } from '../support/stopped-worker.ts';
import { useRedis } from '../support/use-redis.ts';

// Each freeze outlasts a lock of some seconds: they wait at the same time.
vi.setConfig({ testTimeout: 180_000, maxConcurrency: 5 });

interface Freeze extends End {
  at: WorkerPoint;
  fault?: Fault;
  /** What the frozen worker learned too late: another worker had closed its attempt, and it goes to the history only. */
  late?: OutcomeKind;
  /** What the frozen worker says of its attempt in the end; nothing if it had not begun one. */
  says?: 'lost' | 'delivered' | 'backoff' | 'dead';
}

const freezes: Record<string, Freeze> = {
  'before it takes anything: it gets nothing to send': { at: points.idle, ...neverTaken },
  'while the message is on its way to it: it does not send': { at: points.givenOut, ...sent.once },
  'between the take and the request: it does not send': { at: points.taken, ...sent.once },
  'right before the request leaves: it does not send': {
    at: points.aboutToSend,
    ...sent.once,
    late: 'not-sent',
    says: 'lost',
  },
  'while the API holds a request that it will not take: it settles nothing': {
    at: points.sending,
    fault: faults.ignoresOnce,
    ...sent.again,
    overlaps: 3,
    late: 'unknown',
    says: 'lost',
  },
  'while the API holds a request that it has taken: it settles nothing': {
    at: points.sending,
    fault: faults.swallowsOnce,
    ...sent.twice,
    overlaps: 3,
    late: 'unknown',
    says: 'lost',
  },
  'before it settles a delivery: it settles nothing': {
    at: points.answered,
    ...sent.twice,
    late: 'delivered',
    says: 'lost',
  },
  'before it settles a death, and another worker has delivered the message: no dead letter is left': {
    at: points.answered,
    fault: faults.refusesOnce,
    ...sent.again,
    late: 'rejected',
    says: 'lost',
  },
  'after it settled a delivery: the message is completed once': {
    at: points.settled,
    ...settledAs.delivered,
    says: 'delivered',
  },
  'after it settled a failure: it does not delay what another worker has delivered': {
    at: points.settled,
    fault: faults.failsOnce,
    ...sent.again,
    says: 'backoff',
  },
  'after it settled a death: one dead letter is left': {
    at: points.settled,
    fault: faults.refuses,
    ...settledAs.dead,
    says: 'dead',
  },
};

describe('a worker that is frozen for longer than its lock, while another one takes over', () => {
  const used = useRedis();

  it.concurrent.each(Object.entries(freezes))('%s', async (_line, { at, fault, late, says, ...end }) => {
    await using scene = await setScene(used, { fault });
    const frozen = await scene.stopWorker(at, 'SIGSTOP');
    const other = scene.startWorker();
    const before = await untilEnded(scene, scene.ids);
    await other.close();

    frozen.kill('SIGCONT');
    const last = await scene.enqueue(textMessage('c1', 5));
    await scene.until(last, 'delivered');
    frozen.kill('SIGTERM');
    expect(await frozen.ended()).toBe(0);

    const records = await untilEnded(scene, [...scene.ids, last]);
    const withoutLate = records.map((record, n) => ({
      ...record,
      attempts: record.attempts.slice(0, before[n]?.attempts.length),
    }));
    expect(withoutLate.slice(0, -1)).toEqual(before);
    expect(saidBy(frozen, scene.target)).toEqual(says ? [says] : []);
    await expectEnd(scene, records, { ...end, outcomes: [...end.outcomes, ...(late ? [late] : [])] });
  });

  it.concurrent.each([
    ['it does not send what it took before, but takes it anew', points.taken],
    ['what it knows of the message counts, and nothing is sent again', points.answered],
  ])('or nobody does: %s', async (_line, at) => {
    await using scene = await setScene(used);
    const frozen = await scene.stopWorker(at, 'SIGSTOP');
    const { lock } = jobKeys(scene.lanes.shard, scene.target);
    await eventually('the lock has ended', async () => (await used.redis.exists(lock)) === 0);
    frozen.kill('SIGCONT');
    await expectEnd(scene, await untilEnded(scene, scene.ids), { outcomes: ['delivered'], requests: 1 });
    expect(saidBy(frozen, scene.target)).toEqual(['delivered']);
  });
});

/** What a worker logged of the attempts of a message. */
function saidBy({ stdout }: CommandProcess, id: string): unknown[] {
  return stdout
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as { msg?: string; id?: string; next?: string })
    .filter((line) => line.msg === 'attempt' && line.id === id)
    .map(({ next }) => next);
}
