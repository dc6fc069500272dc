import { describe, expect, it } from 'vitest';
import { createShardReader } from '../../src/events/shard-reader.ts';
import { callEvents, type EventsAnswer } from '../../src/shared/lanes/stream/read-events.ts';
import { shardOn } from '../../src/shared/lanes/shard.ts';
import { openSession } from '../../src/shared/session/open-session.ts';
import { eventually } from '../support/eventually.ts';
import { textMessage } from '../support/messages.ts';
import { useRedis } from '../support/use-redis.ts';
import { install, type Installation } from '../support/worker.ts';

const used = useRedis();

const shardOf = (to: Installation) => shardOn(used.redis, to.config.namespace ?? '', 0);

describe('a reader of events', () => {
  it('that another process was handed in between come again, although the answer with them was lost', async () => {
    await using to = await install(used.server, { startWorker: false });
    const shard = shardOf(to);
    const { session, newDeadline } = openSession('openEvents', { redisUrl: used.url, namespace: to.config.namespace });
    let answers: 'come' | 'are lost' = 'come';
    const reader = createShardReader({
      session: {
        ...session,
        async change(...args) {
          const answer = await session.change(...args);
          if ((answer as EventsAnswer).kind === 'taken') answers = 'are lost';
          if (answers === 'come' || (answer as EventsAnswer).kind === 'taken') return answer;
          answers = 'come';
          throw new Error('the answer was lost');
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
    await eventually(
      'the group is there',
      async () => (await used.redis.hexists(`${shard.root}readers`, 'seen:crm')) === 1,
    );
    const receipts = await to.producer.enqueueMessages(Array.from({ length: 10 }, (_, n) => textMessage('c1', n + 1)));
    for (const { id } of receipts) await to.producer.cancelMessage(id);
    const taken: string[] = [];
    const takeOne = (): true | null => {
      const next = reader.next();
      if (next?.event.type === 'cancelled') taken.push(next.event.messageId);
      return next && true;
    };
    await eventually('the first one came', takeOne);
    // As if the lease had ended by itself.
    await used.redis.hdel(`${shard.root}readers`, 'owner:crm', 'until:crm');
    const other = { group: 'crm', reader: 'other', nextLease: 1, content: false, told: 0, acks: [], position: '0-0' };
    const handed = await callEvents(shard, { ...other, lease: 0, leaseMs: 60_000, most: 250 });
    expect(handed).toMatchObject({ kind: 'read', lease: 1 });
    await eventually('the reader knows', () => answers === 'are lost');
    await callEvents(shard, { ...other, lease: 1, leaseMs: 0, most: 0 });
    await eventually('all came', () => {
      takeOne();
      return taken.length === 11;
    });
    expect(taken.slice(1)).toEqual(receipts.map(({ id }) => id));
    await reader.stop();
    await running;
    await session.close();
  });
});
