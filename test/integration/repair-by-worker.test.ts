import { describe, expect, it } from 'vitest';
import { readRepairs, reconcile } from '../../src/shared/lanes/repair/reconcile.ts';
import { openQueues } from '../../src/shared/lanes/queues.ts';
import { type Shard, shardOn } from '../../src/shared/lanes/shard.ts';
import { eventually } from '../support/eventually.ts';
import { keysOf } from '../support/keys-of.ts';
import { manyMessages, textMessage } from '../support/messages.ts';
import { useRedis } from '../support/use-redis.ts';
import { install, type Installation } from '../support/worker.ts';

describe('what an operator does in some dashboard never wedges a conversation', () => {
  const used = useRedis();

  function shardOf(installation: Installation): Shard {
    return shardOn(used.redis, installation.config.namespace ?? '', 0);
  }

  async function storeAll(site: Installation, count: number): Promise<string[]> {
    const messages = Array.from({ length: count }, (_, index) => textMessage('c1', index + 1));
    return (await site.producer.enqueueMessages(messages)).map(({ id }) => id);
  }

  const textsOf = (site: Installation): unknown[] => site.api.accepted.map(({ message }) => message.text);

  it('removes a head and a follower: the others are delivered in order', async () => {
    await using site = await install(used, { startWorker: false });
    const ids = await storeAll(site, 5);
    const shard = shardOf(site);
    const { send } = await openQueues(shard);
    await send.remove(ids[0] ?? '');
    await send.remove(ids[2] ?? '');
    site.startWorker();
    await site.until(ids[4] ?? '', 'delivered');
    expect(textsOf(site)).toEqual([2, 4, 5].map((n) => `message ${n}`));
    expect(await readRepairs(shard)).toEqual({ removed: 2 });
  });

  it('removes many followers, one after the other: the next message does not wait for each of them', async () => {
    await using site = await install(used, { startWorker: false });
    const ids = await storeAll(site, 1000);
    const { send } = await openQueues(shardOf(site));
    for (const id of ids.slice(1, -1)) await send.remove(id);
    site.startWorker();
    await site.until(ids.at(-1) ?? '', 'delivered');
    expect(textsOf(site)).toEqual(['message 1', 'message 1000']);
  });

  it.each(['drain', 'clean', 'obliterate'])('uses %s in a backlog: conversations take new messages', async (way) => {
    await using site = await install(used, { startWorker: false });
    await site.producer.enqueueMessages(manyMessages(20, 3));
    const { send } = await openQueues(shardOf(site));
    if (way === 'drain') await send.drain();
    if (way === 'clean') await send.clean(0, 1000, 'wait');
    if (way === 'obliterate') {
      await send.pause();
      await send.obliterate({ force: true });
    }
    site.startWorker();
    const added = await site.producer.enqueueMessages(manyMessages(20, 4).slice(-20));
    for (const { id } of added) await site.until(id, 'delivered');
    await eventually('nothing is open any more', async () => {
      const counts = await send.getJobCounts('waiting-children', 'wait', 'active', 'delayed');
      return Object.values(counts).every((count) => count === 0);
    });
    expect(site.api.report()).toMatchObject({ outOfOrder: { count: 0 }, duplicates: { count: 0 } });
  });

  it('deletes what we know of the places of messages, lanes apart: all are delivered in order', async () => {
    await using site = await install(used, { config: { pageParallelism: 1 }, startWorker: false });
    const receipts = await site.producer.enqueueMessages(manyMessages(6, 3, 2));
    const shard = shardOf(site);
    const ours = await keysOf(used.redis, `${shard.root.replaceAll(/[{}]/g, '?')}*`);
    await used.redis.del(...ours.filter((key) => /:(heads|pages|turns|paced|asleep)\b/.test(key)));
    await reconcile(shard, '0');
    site.startWorker();
    for (const { id } of receipts) await site.until(id, 'delivered');
    expect(site.api.report()).toMatchObject({ outOfOrder: { count: 0 }, duplicates: { count: 0 } });
  });

  it('breaks the JSON of a message: it becomes a dead letter, and its conversation goes on', async () => {
    await using site = await install(used, { startWorker: false });
    const [first = '', second = ''] = await storeAll(site, 2);
    await used.redis.hset(`${shardOf(site).root}send:${first}`, 'data', '{"requ');
    site.startWorker();
    expect(await site.until(first, 'dead')).toMatchObject({ reason: 'undecodable', request: null });
    await site.until(second, 'delivered');
  });

  it('does nothing: nothing is mended, while messages fail, wait and are delivered', async () => {
    await using site = await install(used, { api: { faults: [{ kind: 'status', status: 500, rate: 0.3 }] } });
    const shard = shardOf(site);
    const receipts = await site.producer.enqueueMessages(manyMessages(40, 5));
    await eventually('all have ended', async () => {
      expect(await reconcile(shard, '0')).toMatchObject({ repairs: 0 });
      return site.api.accepted.length + (await site.deadLetters.count()) >= receipts.length;
    });
    expect(await readRepairs(shard)).toEqual({});
  });
});
