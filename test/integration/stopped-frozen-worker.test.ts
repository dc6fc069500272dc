import { describe, expect, it, vi } from 'vitest';
import type { OutcomeKind } from '../../src/producer/index.ts';
import { jobKeys } from '../../src/shared/lanes/shard.ts';
import type { Fault } from '../../src/testing/index.ts';
import type { CommandProcess } from '../support/command-line.ts';
import { eventually } from '../support/eventually.ts';
import { textMessage } from '../support/messages.ts';
import {
  atTarget,
  expectAllInOrder,
  outcomesOf,
  type Scene,
  setScene,
  untilEnded,
  type WorkerPoint,
} from '../support/stopped-worker.ts';
import { useRedis } from '../support/use-redis.ts';

// Each freeze outlasts a lock of some seconds: they wait at the same time.
vi.setConfig({ testTimeout: 180_000, maxConcurrency: 5 });

interface Freeze {
  line: string;
  at: WorkerPoint;
  fault?: Fault;
  /** What the message's history says, with and without what the frozen worker does when it wakes. */
  outcomes: OutcomeKind[];
  status?: 'dead';
  requests: number;
  duplicates?: 1;
  /** Requests that came while the frozen worker still had its own open. */
  overlaps?: 3;
  /** What the next message's history says: the call that settles one takes another. */
  follower?: OutcomeKind[];
  /** What the frozen worker learned too late: another worker had closed its attempt, and it goes to the history only. */
  late?: OutcomeKind;
  /** What the frozen worker says of its attempt in the end; nothing if it had not begun one. */
  next?: 'lost' | 'delivered' | 'backoff' | 'dead';
}

const freezes: Freeze[] = [
  {
    line: 'before it takes anything: it gets nothing to send',
    at: { command: 'laneTurn', when: 'before', at: 'any' },
    outcomes: ['delivered'],
    requests: 1,
  },
  {
    line: 'while the message is on its way to it: it does not send',
    at: { command: 'laneTurn', when: 'sent', at: 'first' },
    outcomes: ['unknown', 'delivered'],
    requests: 1,
  },
  {
    line: 'between the take and the request: it does not send',
    at: { command: 'take', when: 'answered' },
    outcomes: ['unknown', 'delivered'],
    requests: 1,
  },
  {
    line: 'right before the request leaves: it does not send',
    at: { command: 'post', when: 'before' },
    outcomes: ['unknown', 'delivered'],
    requests: 1,
    late: 'not-sent',
    next: 'lost',
  },
  {
    line: 'while the API holds a request that it will not take: it settles nothing',
    at: 'request',
    fault: { kind: 'hang', times: 1 },
    outcomes: ['unknown', 'delivered'],
    requests: 2,
    overlaps: 3,
    late: 'unknown',
    next: 'lost',
  },
  {
    line: 'while the API holds a request that it has taken: it settles nothing',
    at: 'request',
    fault: { kind: 'hang', accept: true, times: 1 },
    outcomes: ['unknown', 'delivered'],
    requests: 2,
    duplicates: 1,
    overlaps: 3,
    late: 'unknown',
    next: 'lost',
  },
  {
    line: 'before it settles a delivery: it settles nothing',
    at: { command: 'laneTurn', when: 'before' },
    outcomes: ['unknown', 'delivered'],
    requests: 2,
    duplicates: 1,
    late: 'delivered',
    next: 'lost',
  },
  {
    line: 'before it settles a death, and another worker has delivered the message: no dead letter is left',
    at: { command: 'laneTurn', when: 'before' },
    fault: { kind: 'status', status: 400, times: 1 },
    outcomes: ['unknown', 'delivered'],
    requests: 2,
    late: 'rejected',
    next: 'lost',
  },
  {
    line: 'after it settled a delivery: the message is completed once',
    at: { command: 'laneTurn', when: 'answered' },
    outcomes: ['delivered'],
    follower: ['unknown', 'delivered'],
    requests: 1,
    next: 'delivered',
  },
  {
    line: 'after it settled a failure: it does not delay what another worker has delivered',
    at: { command: 'laneTurn', when: 'answered' },
    fault: { kind: 'status', status: 500, times: 1 },
    outcomes: ['unknown', 'delivered'],
    requests: 2,
    next: 'backoff',
  },
  {
    line: 'after it settled a death: one dead letter is left',
    at: { command: 'laneTurn', when: 'answered' },
    fault: { kind: 'status', status: 400 },
    outcomes: ['rejected'],
    follower: ['unknown', 'delivered'],
    status: 'dead',
    requests: 1,
    next: 'dead',
  },
];

describe('a worker that is frozen for longer than its lock, while another one takes over', () => {
  const used = useRedis();

  it.concurrent.each(freezes)('$line', async (freeze) => {
    const { at, fault, outcomes, status = 'delivered', requests, duplicates = 0, overlaps = 0, next } = freeze;
    const { follower = ['delivered'] } = freeze;
    await using scene = await setScene(used, { faults: fault ? [atTarget(fault)] : [] });
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
    const [first, target, ...followers] = records;
    expect(target && outcomesOf(target)).toEqual([...outcomes, ...(freeze.late ? [freeze.late] : [])]);
    expect(target).toMatchObject({ status });
    for (const record of [first, ...followers]) {
      expect(record).toMatchObject({ status: 'delivered' });
      expect(record && outcomesOf(record)).toEqual(record?.id === scene.ids[2] ? follower : ['delivered']);
    }
    expect(nextOf(frozen, scene.target)).toEqual(next ? [next] : []);
    expect(scene.requestsForTarget()).toHaveLength(requests);
    expect(await scene.deadLetters.count()).toBe(status === 'dead' ? 1 : 0);
    expect(scene.api.report()).toMatchObject({
      requests: 4 + requests,
      duplicates: { count: duplicates },
      overlaps: { count: overlaps },
    });
    await expectAllInOrder(scene, records);
  });

  it.concurrent('or nobody does: it does not send what it took before, but takes it anew', async () => {
    await using scene = await setScene(used);
    const frozen = await scene.stopWorker({ command: 'take', when: 'answered' }, 'SIGSTOP');
    await untilLockEnded(scene);
    frozen.kill('SIGCONT');
    const records = await untilEnded(scene, scene.ids);
    expect(records.map(outcomesOf)).toEqual(scene.ids.map(() => ['delivered']));
    expect(nextOf(frozen, scene.target)).toEqual(['delivered']);
    expect(scene.api.report()).toMatchObject({ requests: 4, duplicates: { count: 0 } });
    await expectAllInOrder(scene, records);
  });

  it.concurrent('or nobody does: what it knows of the message counts, and nothing is sent again', async () => {
    await using scene = await setScene(used);
    const frozen = await scene.stopWorker({ command: 'laneTurn', when: 'before' }, 'SIGSTOP');
    await untilLockEnded(scene);
    frozen.kill('SIGCONT');
    const records = await untilEnded(scene, scene.ids);
    expect(records.map(outcomesOf)).toEqual(scene.ids.map(() => ['delivered']));
    expect(nextOf(frozen, scene.target)).toEqual(['delivered']);
    expect(scene.api.report()).toMatchObject({ requests: 4, duplicates: { count: 0 } });
    await expectAllInOrder(scene, records);
  });

  async function untilLockEnded(scene: Scene): Promise<void> {
    const { lock } = jobKeys(scene.lanes.shard, scene.target);
    await eventually('the lock has ended', async () => (await used.redis.exists(lock)) === 0);
  }
});

/** What a worker logged of the attempts of a message. */
function nextOf({ stdout }: CommandProcess, id: string): unknown[] {
  return stdout
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as { msg?: string; id?: string; next?: string })
    .filter((line) => line.msg === 'attempt' && line.id === id)
    .map(({ next }) => next);
}
