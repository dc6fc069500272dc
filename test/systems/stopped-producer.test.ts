import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { startCommand } from '../support/command-line.ts';
import { eventually } from '../support/eventually.ts';
import { openLanes } from '../support/lanes.ts';
import { textMessage } from '../support/messages.ts';
import { environmentOf, expectAllInOrder, untilEnded } from '../support/stopped-worker.ts';
import { stoppingAt } from '../support/stopping-point.ts';
import { useRedis } from '../support/use-redis.ts';
import { install } from '../support/worker.ts';

const stops = [
  { when: 'before', idempotencyKey: undefined, line: 'before its message leaves: nothing is stored', stored: 0 },
  {
    when: 'before',
    idempotencyKey: 'k',
    line: 'before its message leaves: nothing is stored, its key counts for nothing',
    stored: 0,
  },
  { when: 'sent', idempotencyKey: undefined, line: 'after its message left: the message is stored once', stored: 1 },
  {
    when: 'sent',
    idempotencyKey: 'k',
    line: 'after its message left: the message is stored once, its key counts',
    stored: 1,
  },
  {
    when: 'answered',
    idempotencyKey: 'k',
    line: 'before it can tell that it stored the message: its key counts',
    stored: 1,
  },
] as const;

describe('a producer that is killed', () => {
  const used = useRedis();

  it.concurrent.each(stops)('$line', async ({ when, idempotencyKey, stored }) => {
    await using scene = await install(used.server, {
      startWorker: false,
      // The lock on a message may outlive it.
      config: { namespace: randomUUID(), timeoutMs: 1000 },
    });
    const lanes = await openLanes(used.redis, scene.config.namespace);
    const item = { ...textMessage('c1', 2), ...(idempotencyKey ? { idempotencyKey } : {}) };
    await scene.enqueue(textMessage('c1', 1));
    const keysBefore = await lanes.keys();

    const stopping = stoppingAt({ command: 'laneEnqueue', when, signal: 'SIGKILL' });
    await using killed = startCommand(['send'], { ...environmentOf(scene.config), ...stopping }, JSON.stringify(item));
    expect(await killed.ended()).toBe('SIGKILL');
    await eventually('Redis has done what it was sent', async () => (await lanes.lane('c1')).length === 1 + stored);
    if (stored === 0) expect(await lanes.keys()).toEqual(keysBefore);

    if (idempotencyKey) {
      const { pageId, conversationId, message } = item;
      const receipt = await scene.producer.enqueueMessage({ pageId, conversationId, message }, { idempotencyKey });
      expect(receipt).toEqual({ id: (await lanes.lane('c1'))[1], duplicate: stored === 1 });
    }
    await scene.enqueue(textMessage('c1', 3));
    const ids = await lanes.lane('c1');
    scene.startWorker();
    const records = await untilEnded(scene, ids);
    const expected = stored === 1 || idempotencyKey ? [1, 2, 3] : [1, 3];
    expect(scene.api.accepted.map(({ message }) => message)).toEqual(expected.map((n) => textMessage('c1', n).message));
    await expectAllInOrder({ ...scene, lanes }, records);
  });
});
