import { expect, it } from 'vitest';
import { createShardReader } from '../../src/events/shard-reader.ts';
import { readGroups } from '../../src/shared/lanes/stream/groups.ts';
import { openSession } from '../../src/shared/session/open-session.ts';
import { eventually } from '../support/eventually.ts';
import { textMessage } from '../support/messages.ts';
import { useRedis } from '../support/use-redis.ts';
import { install } from '../support/worker.ts';

const used = useRedis();

it('a reader that is stopped while a call is under way writes what was acknowledged, and ends its lease', async () => {
  await using to = await install(used.server, { startWorker: false });
  const root = `{${to.config.namespace}:0}:`;
  const endOne = async (): Promise<string> => {
    const id = await to.enqueue(textMessage('c1', 1));
    await to.producer.cancelMessage(id);
    return id;
  };
  const { session, newDeadline } = openSession('openEvents', to.config);
  let gate: Promise<void> | null = null;
  let isHeld = false;
  const reader = createShardReader({
    session: {
      ...session,
      async change(...args) {
        const answer = await session.change(...args);
        if (gate) isHeld = true;
        await gate;
        return answer;
      },
    },
    newDeadline,
    index: 0,
    group: 'crm',
    reader: 'one',
    content: false,
    onEvents: () => {},
    onError: () => {},
  });
  const running = reader.run();
  const isThere = async () => (await used.redis.hexists(`${root}readers`, 'seen:crm')) === 1;
  await eventually('the group is there', isThere);
  await endOne();
  const handed = await eventually('the event came', () => reader.next());
  const opened = Promise.withResolvers<void>();
  gate = opened.promise;
  // Redis notes that the first event was read, but the reader does not know that yet.
  await eventually('a call is under way', () => isHeld);
  handed.ack();
  reader.stop();
  opened.resolve();
  await running;
  expect(await readGroups(used.redis, { root, index: 0, nowMs: 0 })).toMatchObject([{ waiting: 0 }]);
  expect(await used.redis.hexists(`${root}readers`, 'owner:crm')).toBe(0);
  await session.close();
});
