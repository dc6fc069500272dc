import { describe, expect, it } from 'vitest';
import { hold, release } from '../../src/shared/lanes/holds/hold.ts';
import { HELD } from '../../src/shared/lanes/lib/places.ts';
import { reconcile } from '../../src/shared/lanes/repair/reconcile.ts';
import { tickIn } from '../../src/shared/lanes/fleet/leader.ts';
import { startConsole } from '../support/console.ts';
import { textMessage } from '../support/messages.ts';
import { runCommand } from '../support/run-command.ts';
import { backoff } from '../support/settlements.ts';
import { tried } from '../support/tried.ts';
import { useLanes } from '../support/use-lanes.ts';
import { useProducers } from '../support/use-producers.ts';

const used = useProducers();

describe('the name of another key in place of an id', () => {
  const lanes = useLanes(used);
  /** Writes the name, as anybody may who cancels messages. */
  const ways: Readonly<Record<string, (root: string, name: string) => (string | number)[][]>> = {
    'first in a lane': (root, name) => [
      ['RPUSH', `${root}lane:p9/evil`, name],
      ['ZADD', `${root}heads:p9`, 1, 'p9/evil'],
      ['ZADD', `${root}turns`, -9, 'p9'],
      ['SADD', `${root}pages`, 'p9'],
    ],
    'in a lane, behind a message that is gone': (root, name) => [
      ['RPUSH', `${root}lane:p9/evil`, '0-01ARZ3NDEKTSV4RRFFQ69G5FAV', name],
      ['ZADD', `${root}heads:p9`, 1, 'p9/evil'],
      ['ZADD', `${root}turns`, -9, 'p9'],
      ['SADD', `${root}pages`, 'p9'],
    ],
    'in waiting-children': (root, name) => [['ZADD', `${root}send:waiting-children`, 0, name]],
    'in delayed': (root, name) => [['ZADD', `${root}send:delayed`, 0, name]],
    'in completed': (root, name) => [['ZADD', `${root}send:completed`, 0, name]],
    'in wait': (root, name) => [['LPUSH', `${root}send:wait`, name]],
  };
  const orders = { 'workers come first': ['take', 'repair'], 'the leader comes first': ['repair', 'take'] };
  const cases = Object.keys(ways).flatMap((way) => Object.keys(orders).map((order) => [way, order] as const));

  it.each(cases)('%s, %s: all keys stay, and nothing is lost or sent twice', async (way, order) => {
    const { redis, shard, sendRoot } = lanes;
    const [putOff, sending, ...waiting] = await lanes.storeInto(['c1', 'c2', 'c3', 'c3'], { page: 'p2' });
    await lanes.settle(await lanes.takeNext(), backoff(60_000));
    const taken = await lanes.takeNext();
    expect(taken.id).toBe(sending);
    const names = ['active', 'wait', 'waiting-children', 'delayed', 'completed', 'meta', 'marker', `${sending}:lock`];
    await redis.hset(`${sendRoot}meta`, 'paused', 0);
    const sent: string[] = [];
    const works: Record<string, () => Promise<void>> = {
      take: async () => {
        for (let turns = 0; turns < 6; turns += 1) {
          for (const one of (await lanes.turn({ look: 'due' })).taken) {
            sent.push(one.id);
            await lanes.settle(one, { kind: 'delivered', elapsedMs: 1 });
          }
        }
      },
      repair: async () => {
        for (let passes = 0; passes < 4; passes += 1) await reconcile(shard, '0');
        await tickIn(shard, { workerId: 'w', keepDoneMs: 3_600_000, keepDone: 1000, keepEvents: 1000, lockMs: 60_000 });
      },
    };
    for (const name of names) {
      for (const [command = '', ...args] of (ways[way] ?? (() => []))(shard.root, name)) {
        await redis.call(String(command), ...args);
      }
      for (const work of orders[order as keyof typeof orders]) await works[work]?.();
      expect([name, await redis.exists(`${sendRoot}${sending}:lock`, `${sendRoot}meta`)]).toEqual([name, 2]);
      expect([name, await redis.lrange(`${sendRoot}active`, 0, '-1')]).toEqual([name, [sending]]);
      expect([name, await redis.zscore(`${sendRoot}delayed`, putOff ?? '')]).not.toEqual([name, null]);
      expect([name, await redis.type(`${sendRoot}wait`)]).not.toEqual([name, 'hash']);
    }
    expect(sent).toEqual(waiting);
    expect(await lanes.settle(taken, { kind: 'delivered', elapsedMs: 1 })).toMatchObject({ verdict: 'done' });
    expect(await redis.zcard(`${sendRoot}completed`)).toBe(3);
    tried({
      against: 'redis',
      input:
        "names of BullMQ's other keys and of another message's lock in place of ids, in lanes, `wait`, `waiting-children`, `delayed` and `completed`",
      count: names.length,
      result: 'all keys stay, all messages are sent once',
      before: "in 10 of 12 cases the leader or a take deleted BullMQ's lists, sets and locks",
    });
  });

  it('at the head of a lane, before a message with high priority: no key of it is made', async () => {
    const { redis, shard, sendRoot } = lanes;
    await redis.rpush(`${shard.root}lane:p1/c1`, 'wait');
    const id = await lanes.store({ conversation: 'c1', priority: 'high' });
    expect(await redis.exists(`${sendRoot}wait`)).toBe(0);
    for (let passes = 0; passes < 2; passes += 1) await reconcile(shard, '0');
    expect((await lanes.takeNext()).id).toBe(id);
  });

  it('at the head of a lane that is held: the hold ends', async () => {
    const { redis, shard } = lanes;
    await hold(shard, { page: 'p1', conversation: 'c1', reason: 'operator' });
    await redis.rpush(`${shard.root}lane:p1/c1`, 'meta', 'completed', 'counts');
    await redis.set(`${lanes.sendRoot}meta`, 'x');
    await redis.zadd(`${shard.root}heads:p1`, HELD, 'p1/c1');
    expect(await release(shard, { page: 'p1', conversation: 'c1' })).toBe(true);
  });
});

it('names of other keys in place of ids stop neither `status` nor the console, also while no worker removes them', async () => {
  await using producer = used.producerOf('kitechat');
  const { id } = await producer.enqueueMessage(textMessage('c1', 1));
  const root = '{kitechat:0}:';
  await used.redis.rpush(`${root}send:active`, 'x');
  for (const name of ['active', 'wait', 'waiting-children', 'completed']) {
    await used.redis.sadd(`${root}held`, name);
    await used.redis.rpush(`${root}send:wait`, name);
    await used.redis.lpush(`${root}lane:p1/c1`, name);
    await used.redis.zadd(`${root}heads:p1`, 1e13, 'p1/c1');
    const status = await runCommand(['status', '--json'], { REDIS_URL: used.url });
    expect([name, status.exitCode, ...status.stderr]).toEqual([name, 0]);
    await using desk = await startConsole({ redisUrl: used.url });
    for (const path of ['/', '/pages', '/pages/p1', '/find?page=p1&conversation=c1', `/find?q=${id}`]) {
      expect([name, path, (await desk.visitor.get(path)).status]).toEqual([name, path, 200]);
    }
  }
  tried({
    against: 'redis',
    input: 'the same in `held`, `wait` and a lane, while no worker runs',
    count: 4,
    result: '`status` and five pages of the console answer',
    before: 'exit code 3',
  });
});
