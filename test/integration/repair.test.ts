import { describe, expect, it } from 'vitest';
import { hold } from '../../src/shared/lanes/holds/hold.ts';
import { readRepairs, reconcile } from '../../src/shared/lanes/repair/reconcile.ts';
import { backoff, delivered } from '../support/settlements.ts';
import { useLanes } from '../support/use-lanes.ts';

const FAR_MS = 50_000;

describe('what others break in Redis is found and mended', () => {
  const lanes = useLanes();

  async function storeAll(conversation: string, count = 3): Promise<string[]> {
    return await lanes.storeInto(Array.from({ length: count }, () => conversation));
  }

  /** Brings the head of the only conversation to a place. */
  const places = {
    waiting: async () => await Promise.resolve(),
    released: async () => {
      // The first slot of a limit is due at once, so another head takes that slot.
      await lanes.store({ conversation: 'other', priority: 'high' });
      await lanes.rules({ intervalMs: 200 });
      const { taken } = await lanes.turn({ places: 2 });
      expect(taken).toHaveLength(1);
      for (const other of taken) await lanes.settle(other, delivered);
      await lanes.rules({});
      expect(await lanes.redis.llen(`${lanes.sendRoot}wait`)).toBe(1);
    },
    sending: async () => {
      // Its worker dies.
      const { id } = await lanes.takeNext();
      await lanes.redis.del(`${lanes.sendRoot}${id}:lock`);
    },
    'put-off by a backoff': async () => {
      await lanes.settle(await lanes.takeNext(), backoff(FAR_MS));
    },
    'put-off by a hold': async () => {
      await lanes.settle(await lanes.takeNext(), { kind: 'hold', delayMs: FAR_MS });
    },
  };
  type Place = keyof typeof places;
  const allPlaces = Object.keys(places) as Place[];

  /** Moves a job as some dashboards do: into another set, without a word to our scripts. */
  async function moveByHand(id: string, to: 'wait' | 'completed' | 'failed' | 'nowhere'): Promise<void> {
    const move = lanes.redis.multi().lrem(`${lanes.sendRoot}wait`, 0, id).lrem(`${lanes.sendRoot}active`, 0, id);
    for (const set of ['waiting-children', 'delayed']) move.zrem(`${lanes.sendRoot}${set}`, id);
    if (to === 'wait') move.lpush(`${lanes.sendRoot}wait`, id);
    else if (to !== 'nowhere') move.zadd(`${lanes.sendRoot}${to}`, Date.now(), id);
    await move.exec();
  }

  /** Passes until nothing is left to mend, as the leader makes them. */
  async function reconcileAll(): Promise<void> {
    for (let passes = 0, quiet = 0; quiet < 2; passes += 1) {
      const { repairs } = await reconcile(lanes.shard, '0');
      quiet = repairs === 0 ? quiet + 1 : 0;
      if (passes > 20) throw new Error('there is always more to mend');
    }
  }

  /** Delivers what may leave. @returns the ids in the order of their taking */
  async function deliverAll(): Promise<string[]> {
    const ids: string[] = [];
    for (;;) {
      const { taken } = await lanes.turn({ look: 'due' });
      if (taken.length === 0) return ids;
      for (const one of taken) {
        ids.push(one.id);
        expect(await lanes.settle(one, delivered)).toMatchObject({ verdict: 'done' });
      }
    }
  }

  async function expectNothingLeft(): Promise<void> {
    const ended = await lanes.redis.zrange(`${lanes.sendRoot}completed`, 0, '-1');
    const known = new Set([...ended.map((id) => `send:${id}`), 'send:completed', 'repairs']);
    expect((await lanes.keys()).filter((key) => !known.has(key) && !key.endsWith(':lock'))).toEqual([]);
  }

  it.each(allPlaces)(
    'a head that was removed while it was %s: its conversation goes on with the next message',
    async (place) => {
      const [first = '', ...others] = await storeAll('c1');
      await places[place]();
      // BullMQ removes no job with a lock.
      await lanes.redis.del(`${lanes.sendRoot}${first}:lock`);
      await lanes.queues.send.remove(first);
      await reconcileAll();
      expect(await readRepairs(lanes.shard)).toEqual({ removed: 1 });
      expect(await deliverAll()).toEqual(others);
      await expectNothingLeft();
    },
  );

  /** Time passes until every message that is put off may go on. */
  async function passTime(): Promise<void> {
    for (const id of await lanes.redis.zrange(`${lanes.sendRoot}delayed`, 0, '-1')) {
      await lanes.redis.hset(`${lanes.sendRoot}${id}`, 'next', 1);
      await lanes.redis.zadd(`${lanes.sendRoot}delayed`, 1, id);
    }
  }

  it('the head and those behind it were removed: the conversation goes on with the first that is left, in one pass', async () => {
    const ids = await storeAll('c1', 40);
    for (const id of ids.slice(0, 38)) await lanes.queues.send.remove(id);
    expect(await reconcile(lanes.shard, '0')).toMatchObject({ repairs: 38 });
    expect(await deliverAll()).toEqual(ids.slice(38));
    await expectNothingLeft();
  });

  it.each(allPlaces)('a head that is in no set of BullMQ, and was %s: it is sent before the others', async (place) => {
    const ids = await storeAll('c1');
    await places[place]();
    await moveByHand(ids[0] ?? '', 'nowhere');
    await reconcileAll();
    expect(await readRepairs(lanes.shard)).toEqual({ dropped: 1 });
    await passTime();
    const taken = await lanes.takeNext({ look: 'due' });
    expect(taken).toMatchObject({ id: ids[0], verdict: place === 'sending' ? 'unknown' : 'go' });
    await lanes.settle(taken, delivered);
    expect(await deliverAll()).toEqual(ids.slice(1));
    await expectNothingLeft();
  });

  it.each(allPlaces)(
    'a head that somebody failed by hand while it was %s: it is sent before the others',
    async (place) => {
      const ids = await storeAll('c1');
      await places[place]();
      await moveByHand(ids[0] ?? '', 'failed');
      await reconcileAll();
      expect(await readRepairs(lanes.shard)).toEqual({ dropped: 1 });
      await passTime();
      expect(await deliverAll()).toEqual(ids);
    },
  );

  it.each(allPlaces)(
    'a head that somebody completed by hand while it was %s: it counts as delivered',
    async (place) => {
      const [first = '', ...others] = await storeAll('c1');
      await places[place]();
      await moveByHand(first, 'completed');
      await reconcileAll();
      expect(await readRepairs(lanes.shard)).toEqual({ 'forgotten-end': 1 });
      expect(await lanes.redis.hmget(`${lanes.sendRoot}${first}`, 'place', 'why')).toEqual(['ended', 'delivered']);
      expect(await deliverAll()).toEqual(others);
      await expectNothingLeft();
    },
  );

  it.each(['waiting', 'released'] as const)(
    'a message put into `wait` by hand while the head was %s: all go in their order',
    async (place) => {
      const ids = await storeAll('c1');
      await places[place]();
      for (const id of ids.toReversed()) await moveByHand(id, 'wait');
      await reconcileAll();
      expect(await deliverAll()).toEqual(ids);
      await expectNothingLeft();
    },
  );

  it.each([
    ['heads:p1', 'stuck-lane'],
    // What was lost stands in no lane, and the lane in no place.
    ['lane:p1/c1', 'lost-place stuck-lane'],
    ['pages', 'stuck-page'],
    ['turns', ''],
    ['send:waiting-children', 'dropped'],
  ])('%s is deleted: every message is delivered in order', async (key, kinds) => {
    const ids = await storeAll('c1');
    await lanes.redis.del(`${lanes.shard.root}${key}`);
    await reconcileAll();
    const found = Object.keys(await readRepairs(lanes.shard)).filter((kind) => kind !== 'removed');
    expect(found.toSorted().join(' ')).toBe(kinds);
    expect(await deliverAll()).toEqual(ids);
    await expectNothingLeft();
  });

  it.each([
    ['send:wait', 'released'],
    ['send:active', 'sending'],
    ['send:delayed', 'put-off by a backoff'],
    ['send:delayed', 'put-off by a hold'],
    ['heads:p1', 'released'],
    ['heads:p1', 'put-off by a backoff'],
    ['heads:p1', 'put-off by a hold'],
    ['pages', 'released'],
    ['pages', 'put-off by a hold'],
  ] as const)('%s is deleted while a head is %s: every message is delivered in order', async (key, place) => {
    const ids = await storeAll('c1');
    await places[place]();
    await lanes.redis.del(`${lanes.shard.root}${key}`);
    await reconcileAll();
    await passTime();
    expect(await deliverAll()).toEqual(ids);
    await expectNothingLeft();
  });

  it('`due` is deleted: scheduled messages are scheduled again, for the same times', async () => {
    const ids = [];
    for (const delayMs of [FAR_MS, 1, 2]) ids.push(await lanes.store({ conversation: 'c1', due: { delayMs } }));
    const due = await lanes.redis.zrange(`${lanes.shard.root}due`, 0, '-1', 'WITHSCORES');
    await lanes.redis.del(`${lanes.shard.root}due`);
    await reconcileAll();
    expect(await lanes.redis.zrange(`${lanes.shard.root}due`, 0, '-1', 'WITHSCORES')).toEqual(due);
    expect(await readRepairs(lanes.shard)).toEqual({ 'lost-schedule': 3 });
  });

  it.each(['c1', 'c2'])(
    'a hold is deleted by hand, of a page that has a message of %s, too: the conversation goes on',
    async (other) => {
      await hold(lanes.shard, { page: 'p1', conversation: 'c1', reason: 'operator' });
      const ids = [...(await storeAll('c1')), ...(await storeAll(other, 1))];
      await lanes.turn({ places: 0, look: 'woken' });
      const before = await deliverAll();
      expect(before).toHaveLength(other === 'c1' ? 0 : 1);
      await lanes.redis.del(`${lanes.shard.root}holds`);
      await reconcileAll();
      expect(await readRepairs(lanes.shard)).toEqual({ 'stuck-lane': 1 });
      expect([...(await deliverAll()), ...before]).toEqual(ids);
      await expectNothingLeft();
    },
  );

  it('the hold of a page is deleted by hand: the page goes on', async () => {
    await hold(lanes.shard, { page: 'p1', reason: 'operator' });
    const ids = await storeAll('c1');
    expect(await deliverAll()).toEqual([]);
    await lanes.redis.del(`${lanes.shard.root}holds`);
    await reconcileAll();
    expect(await readRepairs(lanes.shard)).toEqual({ 'stuck-page': 1 });
    expect(await deliverAll()).toEqual(ids);
    await expectNothingLeft();
  });

  it('a job without a lane is removed when it is older than ten minutes', async () => {
    const add = async (id: string, timestamp: number): Promise<void> => {
      await lanes.redis.hset(`${lanes.sendRoot}${id}`, { name: 'text', data: '{}', timestamp });
      await lanes.redis.zadd(`${lanes.sendRoot}waiting-children`, timestamp, id);
    };
    await add('0-old', Date.now() - 11 * 60_000);
    await add('0-new', Date.now() - 9 * 60_000);
    await reconcileAll();
    expect(await readRepairs(lanes.shard)).toEqual({ 'never-stored': 1 });
    expect(await lanes.redis.zrange(`${lanes.sendRoot}waiting-children`, 0, '-1')).toEqual(['0-new']);
    expect(await lanes.redis.exists(`${lanes.sendRoot}0-old`)).toBe(0);
  });

  it('nothing is broken, whatever the places of the messages: nothing is mended', async () => {
    await hold(lanes.shard, { page: 'held', reason: 'operator' });
    await hold(lanes.shard, { page: 'p1', conversation: 'held', reason: 'operator' });
    await lanes.store({ page: 'held', conversation: 'c1' });
    await storeAll('held', 2);
    await lanes.store({ conversation: 'later', due: { delayMs: FAR_MS } });
    for (const kind of ['backoff', 'hold'] as const) {
      await storeAll(kind, 2);
      await lanes.settle(await lanes.takeNext(), { kind, delayMs: FAR_MS });
    }
    await storeAll('ended', 1);
    await lanes.settle(await lanes.takeNext(), delivered);
    await storeAll('sending', 2);
    await lanes.takeNext();
    await lanes.store({ page: 'p2', conversation: 'c1' });
    await places.released();
    for (let pass = 0; pass < 3; pass += 1) expect(await reconcile(lanes.shard, '0')).toMatchObject({ repairs: 0 });
    expect(await readRepairs(lanes.shard)).toEqual({});
  });
});
