import { describe, expect, it } from 'vitest';
import type { Fault } from '../../src/testing/index.ts';
import { eventually } from '../support/eventually.ts';
import { textMessage } from '../support/messages.ts';
import { faults } from '../support/stopped-worker-cases.ts';
import { expectAllInOrder, outcomesOf, setScene, untilEnded } from '../support/stopped-worker.ts';
import { useRedis } from '../support/use-redis.ts';

describe('a message that a worker may not have yet', () => {
  const used = useRedis();

  const holdFor = (seconds: number): Fault => ({ kind: 'status', status: 429, retryAfter: seconds, times: 1 });

  it.concurrent('since an operator has put it forward in some dashboard: it goes in its turn', async () => {
    const held: Fault = { ...holdFor(3), match: { textIncludes: 'message 1' } };
    await using scene = await setScene(used, { faults: [held] });
    scene.startWorker();
    await scene.until(scene.ids[0] ?? '', 'held');
    const send = scene.lanes.sendRoot;
    await used.redis
      .multi()
      .zrem(`${send}waiting-children`, scene.target)
      .lpush(`${send}wait`, scene.target)
      .zadd(`${send}marker`, 0, '0')
      .exec();
    await eventually('it is back where it was', async () => {
      return (await used.redis.zscore(`${send}waiting-children`, scene.target)) !== null;
    });
    expect(await used.redis.exists(`${send}wait`, `${send}active`)).toBe(0);

    const records = await untilEnded(scene, scene.ids);
    expect(records.map(outcomesOf)).toEqual([['held', 'delivered'], ['delivered'], ['delivered'], ['delivered']]);
    expect(scene.api.report()).toMatchObject({ requests: 5, duplicates: { count: 0 } });
    await expectAllInOrder(scene, records);
  });

  it.concurrent('since it came back from backoff while its page was busy: it is the first to go on', async () => {
    // The other conversation takes the page's only place when the target fails, and keeps it until the API answers.
    const busy: Fault = {
      kind: 'latency',
      ms: 2000,
      times: 1,
      match: { conversationId: 'c2', textIncludes: 'message 2' },
    };
    await using scene = await setScene(used, {
      fault: faults.failsOnce,
      faults: [busy],
      config: { pageParallelism: 1, backoffMs: 1000, backoffMaxMs: 1000, concurrency: 1 },
    });
    const others: string[] = [];
    for (let n = 1; n <= 3; n += 1) others.push(await scene.enqueue(textMessage('c2', n)));
    scene.startWorker();

    const records = await untilEnded(scene, [...scene.ids, ...others]);
    expect(records.map(outcomesOf)).toEqual([
      ['delivered'],
      ['unknown', 'delivered'],
      ['delivered'],
      ['delivered'],
      ['delivered'],
      ['delivered'],
      ['delivered'],
    ]);
    const afterBusy = scene.api.accepted.findIndex(({ conversationId, message }) => {
      return conversationId === 'c2' && message.text === 'message 2';
    });
    expect(scene.api.accepted[afterBusy + 1]).toMatchObject(textMessage('c1', 2));
    expect(scene.api.report()).toMatchObject({ requests: 8, duplicates: { count: 0 } });
    await expectAllInOrder(scene, records);
  });
});
