import { describe, expect, it, vi } from 'vitest';
import { jobKeys } from '../../src/shared/lanes/shard.ts';
import { textMessage } from '../support/messages.ts';
import { faults, points, sent } from '../support/stopped-worker-cases.ts';
import { expectEnd } from '../support/stopped-worker-end.ts';
import { expectAllInOrder, nextAttemptOf, outcomesOf, setScene, untilEnded } from '../support/stopped-worker.ts';
import { useRedis } from '../support/use-redis.ts';

vi.setConfig({ testTimeout: 180_000 });

describe('a message whose workers are killed one after the other', () => {
  const used = useRedis();

  it.concurrent('unknown under resend, found by a worker that is killed before it settles: said once, sent again', async () => {
    await using scene = await setScene(used, { fault: faults.ignoresOnce });
    await scene.stopWorker(points.sending, 'SIGKILL');
    await scene.stopWorker(points.answered, 'SIGKILL');
    scene.startWorker();
    const records = await untilEnded(scene, scene.ids);
    expect(records[1]).toMatchObject({ attemptsUsed: 1 });
    await expectEnd(scene, records, sent.again);
  });

  it.concurrent('unknown under resend, and settled: it waits for the time that was settled', async () => {
    const backoffMs = 10_000;
    await using scene = await setScene(used, {
      fault: faults.ignoresOnce,
      config: { backoffMs, backoffMaxMs: backoffMs },
    });
    await scene.stopWorker(points.sending, 'SIGKILL');
    await scene.stopWorker(points.settled, 'SIGKILL');
    const nextAttemptAt = await nextAttemptOf(scene, 'retrying');
    scene.startWorker();
    await expectEnd(scene, await untilEnded(scene, scene.ids), sent.again);
    expect(scene.requestsForTarget()[1]?.arrivedAt).toBeGreaterThanOrEqual(nextAttemptAt);
  });

  it.concurrent('unknown under dead-letter, found by a worker that is killed before it settles: one dead letter', async () => {
    await using scene = await setScene(used, {
      fault: faults.ignores,
      config: { onUnknownOutcome: 'dead-letter' },
    });
    await scene.stopWorker(points.sending, 'SIGKILL');
    await scene.stopWorker(points.answered, 'SIGKILL');
    expect(await scene.deadLetters.count()).toBe(0);
    scene.startWorker();
    const records = await untilEnded(scene, scene.ids);
    expect(records[1]).toMatchObject({ attemptsUsed: 0 });
    await expectEnd(scene, records, { outcomes: ['unknown'], reason: 'unknown-outcome', requests: 1 });
  });

  it.concurrent('five times by the message itself: it is dead as crashed, and others went on meanwhile', async () => {
    await using scene = await setScene(used);
    const others: string[] = [];
    const dieAndGoOn = async (): Promise<void> => {
      const worker = scene.startStoppingWorker(points.taken, 'SIGKILL');
      expect(await worker.ended()).toBe('SIGKILL');
      others.push(await scene.enqueue(textMessage('c2', others.length + 1)));
      // A dead worker's lock ends by itself, as everywhere else here; five of them would take half a minute.
      await used.redis.del(jobKeys(scene.lanes.shard, scene.target).lock);
    };
    // All of them are there at once, so that there are others to go on while the message waits for its next victim.
    await Promise.all(Array.from({ length: 5 }, dieAndGoOn));
    expect((await untilEnded(scene, others.slice(0, 4))).every(({ status }) => status === 'delivered')).toBe(true);
    expect(await scene.producer.getMessage(scene.target)).toMatchObject({ status: 'sending' });

    scene.startWorker();
    const records = await untilEnded(scene, [...scene.ids, ...others]);
    expect(records[1]).toMatchObject({ status: 'dead', reason: 'crashed' });
    expect(records[1] && outcomesOf(records[1])).toEqual(Array.from({ length: 5 }, () => 'unknown'));
    expect(scene.requestsForTarget()).toHaveLength(0);
    expect(records.filter(({ status }) => status === 'delivered')).toHaveLength(8);
    expect(scene.api.report()).toMatchObject({ requests: 8, duplicates: { count: 0 } });
    await expectAllInOrder(scene, records);
  });
});
