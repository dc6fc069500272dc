import { describe, expect, it } from 'vitest';
import { BACKOFF, IN_FLIGHT } from '../../src/shared/lanes/lib/places.ts';
import { readRepairs } from '../../src/shared/lanes/repair/reconcile.ts';
import type { Settlement, Taken, Turn } from '../../src/shared/lanes/messages/settle-and-take.ts';
import { eventually } from '../support/eventually.ts';
import { backoff, dead, delivered, letter } from '../support/settlements.ts';
import { useLanes } from '../support/use-lanes.ts';

describe('the lanes', () => {
  const lanes = useLanes();

  async function start(turn?: Partial<Turn>): Promise<Taken> {
    const taken = await lanes.takeNext(turn);
    expect(taken.verdict).toBe('go');
    return taken;
  }

  const placeOf = (id: string) => lanes.redis.hget(`${lanes.sendRoot}${id}`, 'place');

  /** As an operator does it in some dashboard. */
  async function moveToWait(id: string, from: string): Promise<void> {
    await lanes.redis.multi().zrem(`${lanes.sendRoot}${from}`, id).lpush(`${lanes.sendRoot}wait`, id).exec();
  }

  it('give out the head of a conversation, and the next one when it has ended', async () => {
    const ids: string[] = [];
    for (let n = 0; n < 3; n += 1) ids.push(await lanes.store({ conversation: 'c1' }));
    const taken = await start();
    expect(taken.id).toBe(ids[0]);
    expect(await lanes.takeAll()).toEqual([]);
    expect(await lanes.settle(taken, delivered)).toEqual({ verdict: 'done', delayMs: 0 });
    expect(await lanes.lane('c1')).toEqual(ids.slice(1));
    expect(await lanes.takeAll()).toEqual([ids[1]]);
  });

  it('leave nothing but their records behind when all has ended', async () => {
    const ids = await lanes.storeInto(['c1', 'c1', 'c2']);
    // The lock of a message that is settled alone ends by itself.
    for (const _ of ids) await lanes.settle(await start({ lockMs: 1 }), delivered);
    const records = [...ids.map((id) => `send:${id}`), 'send:completed'].toSorted();
    await eventually('nothing else is there', async () => (await lanes.keys()).length === records.length);
    expect(await lanes.keys()).toEqual(records);
  });

  it('store a message once, however often the same add is repeated, also after it was taken', async () => {
    const id = await lanes.store({ conversation: 'c1' });
    await lanes.store({ conversation: 'c1', id });
    await start();
    await lanes.store({ conversation: 'c1', id });
    expect(await lanes.lane('c1')).toEqual([id]);
    expect(await lanes.takeAll()).toEqual([]);
  });

  it('count what is open against the limit, and write nothing of what is too much', async () => {
    await lanes.store({ conversation: 'c1' });
    await start();
    await lanes.store({ conversation: 'c1' });
    const before = await lanes.keys();
    expect(await lanes.tryStore({ conversation: 'c2', maxQueued: 2 })).toEqual({ verdict: 'full' });
    expect(await lanes.keys()).toEqual(before);
    expect(await lanes.tryStore({ conversation: 'c2', maxQueued: 3 })).toEqual({ verdict: 'stored' });
  });

  it('give out no more of one page than its window has room for, and go on when room is made', async () => {
    await lanes.rules({ window: 2 });
    const ids = await lanes.storeInto(['c1', 'c2', 'c3', 'c4']);
    const other = await lanes.store({ page: 'p2', conversation: 'c1' });
    const { taken } = await lanes.turn();
    expect(taken.map(({ id }) => id)).toEqual([ids[0], ids[1], other]);
    const [first] = taken;
    if (!first) throw new Error('there is nothing to send');
    await lanes.settle(first, delivered);
    expect(await lanes.takeAll()).toEqual([ids[2]]);
  });

  it('keep a conversation blocked while its head is in backoff, but not its page', async () => {
    await lanes.rules({ window: 1 });
    const failing = await lanes.store({ conversation: 'c1' });
    await lanes.store({ conversation: 'c1' });
    const other = await lanes.store({ conversation: 'c2' });
    const taken = await start();
    expect(taken.id).toBe(failing);
    await lanes.settle(taken, backoff(1000));
    expect(await lanes.takeAll()).toEqual([other]);
    expect(await lanes.heads()).toEqual({ 'p1/c1': BACKOFF, 'p1/c2': IN_FLIGHT });
  });

  it('give out nothing of a page while four windows of its heads are in backoff, and go on when one has ended', async () => {
    await lanes.rules({ window: 1 });
    const ids: string[] = [];
    for (let n = 0; n < 6; n += 1) ids.push(await lanes.store({ conversation: `c${n}` }));
    for (const delayMs of [0, 50_000, 50_000, 50_000]) await lanes.settle(await start(), backoff(delayMs));
    expect(await lanes.takeAll()).toEqual([]);
    const back = await start({ look: 'due' });
    expect(back.id).toBe(ids[0]);
    await lanes.settle(back, delivered);
    expect(await lanes.takeAll()).toEqual([ids[4]]);
  });

  it('put a head that comes back from backoff first in line if its page is busy', async () => {
    await lanes.rules({ window: 1 });
    const ids = await lanes.storeInto(['c1', 'c2', 'c3']);
    const [failing, second, third] = ids;
    await lanes.settle(await start(), backoff(0));
    const busy = await start();
    expect(busy.id).toBe(second);
    expect(await lanes.takeAll({ look: 'due' })).toEqual([]);
    await lanes.settle(busy, delivered);
    const again = await start();
    expect(again.id).toBe(failing);
    await lanes.settle(again, delivered);
    expect(await lanes.takeAll()).toEqual([third]);
  });

  it('give out no message that is not its conversation’s head: it is not lost, and goes in its turn', async () => {
    await lanes.store({ conversation: 'c1' });
    const second = await lanes.store({ conversation: 'c1' });
    const first = await start();
    await moveToWait(second, 'waiting-children');
    expect(await lanes.takeAll()).toEqual([]);
    expect(await lanes.redis.exists(`${lanes.sendRoot}wait`)).toBe(0);
    await lanes.settle(first, delivered);
    expect(await lanes.takeAll()).toEqual([second]);
  });

  it('let nobody settle a message by an attempt that is not open', async () => {
    await lanes.store({ conversation: 'c1' });
    const taken = await start();
    expect(await lanes.settle({ id: taken.id, attempt: 'another' }, delivered)).toEqual({ verdict: 'late' });
    expect(await placeOf(taken.id)).toBe('sending');
    expect(await lanes.redis.lrange(`${lanes.sendRoot}active`, 0, -1)).toEqual([taken.id]);
    expect(await lanes.lane('c1')).toEqual([taken.id]);
  });

  it('answer a repeated settlement of the same attempt as the first time, and do nothing twice', async () => {
    await lanes.store({ conversation: 'c1' });
    const second = await lanes.store({ conversation: 'c1' });
    const taken = await start();
    for (let n = 0; n < 2; n += 1) {
      expect(await lanes.settle(taken, delivered)).toEqual({ verdict: 'done', delayMs: 0 });
    }
    expect(await lanes.lane('c1')).toEqual([second]);

    const failing = await start();
    expect(await lanes.settle(failing, backoff(50_000))).toEqual({ verdict: 'done', delayMs: 50_000 });
    const { verdict, delayMs } = (await lanes.settle(failing, backoff(50_000))) as { verdict: string; delayMs: number };
    expect(verdict).toBe('done');
    expect(delayMs).toBeGreaterThan(40_000);
    expect(delayMs).toBeLessThanOrEqual(50_000);
  });

  it('tell the next worker of an attempt that a dead one left open, and let only the first settlement count', async () => {
    await lanes.store({ conversation: 'c1' });
    const open = await start();
    await lanes.stall(open);
    const next = await lanes.takeNext();
    expect(next).toMatchObject({ verdict: 'unknown', id: open.id, attempt: open.attempt });
    const died = { survived: false };
    expect(await lanes.settle(next, backoff(5000), died)).toEqual({ verdict: 'done', delayMs: 5000 });
    expect(await lanes.settle(open, delivered)).toEqual({ verdict: 'late' });
    expect(await placeOf(open.id)).toBe('put-off');
    expect(await lanes.takeAll()).toEqual([]);
  });

  it('keep an ended message with those that have ended, whoever moves it: it is never sent again', async () => {
    const refused = await lanes.store({ conversation: 'c1' });
    await lanes.settle(await start(), dead);
    await lanes.redis.lpush(`${lanes.sendRoot}wait`, refused);
    expect(await lanes.takeAll()).toEqual([]);

    const id = await lanes.store({ conversation: 'c2' });
    await lanes.settle(await start(), delivered);
    await moveToWait(id, 'completed');
    expect(await lanes.takeAll()).toEqual([]);
    expect(await lanes.redis.zrange(`${lanes.sendRoot}completed`, 0, '-1')).toEqual([id]);
    expect(await lanes.redis.exists(`${lanes.sendRoot}wait`, `${lanes.sendRoot}active`)).toBe(0);
  });

  it('keep a message in backoff that an operator moves until its time', async () => {
    const id = await lanes.store({ conversation: 'c1' });
    await lanes.settle(await start(), backoff(50_000));
    const time = await lanes.redis.zscore(`${lanes.sendRoot}delayed`, id);
    await moveToWait(id, 'delayed');
    expect(await lanes.takeAll()).toEqual([]);
    expect(await lanes.redis.zscore(`${lanes.sendRoot}delayed`, id)).toBe(time);
  });

  it('call a message crashed that kept five workers from settling it', async () => {
    await lanes.store({ conversation: 'c1' });
    const verdicts: string[] = [];
    for (let n = 1; n <= 5; n += 1) {
      await lanes.stall(await start({ look: 'due' }));
      const found = await lanes.takeNext();
      verdicts.push(found.verdict);
      await lanes.settle(found, backoff(0), { survived: false });
    }
    expect(verdicts).toEqual(['unknown', 'unknown', 'unknown', 'unknown', 'crashed']);
  });

  it('call no message crashed whose worker lived once in between', async () => {
    await lanes.store({ conversation: 'c1' });
    for (const survived of [false, false, false, false, true, false]) {
      const taken = await start({ look: 'due' });
      if (!survived) await lanes.stall(taken);
      const found = survived ? taken : await lanes.takeNext();
      expect(found.verdict).toBe(survived ? 'go' : 'unknown');
      await lanes.settle(found, backoff(0), { survived });
    }
  });

  it('show a dead letter only if the message was still there to end, and one', async () => {
    const deadRoot = `${lanes.shard.root}dead:`;
    const id = await lanes.store({ conversation: 'c1' });
    const taken = await start();
    expect(await lanes.settle({ id, attempt: 'another' }, dead)).toEqual({ verdict: 'late' });
    expect(await lanes.redis.exists(`${deadRoot}${id}`, `${deadRoot}failed`)).toBe(0);

    for (let n = 0; n < 2; n += 1) expect(await lanes.settle(taken, dead)).toMatchObject({ verdict: 'done' });
    expect(await lanes.redis.zrange(`${deadRoot}failed`, 0, '-1')).toEqual([id]);
    expect(await lanes.redis.exists(`${lanes.sendRoot}${id}`)).toBe(0);

    // A worker that has lost the message comes late: the letter stays.
    const other: Settlement = { kind: 'dead', letter: { ...letter, reason: 'expired' }, holds: false };
    expect(await lanes.settle({ id, attempt: 'another' }, other)).toEqual({ verdict: 'lost' });
    expect(await lanes.settle({ id, attempt: 'another' }, delivered)).toEqual({ verdict: 'lost' });
    expect(await lanes.redis.hget(`${deadRoot}${id}`, 'failedReason')).toBe('rejected');
  });

  it('forget a head whose job somebody removed, and go on with the next one', async () => {
    const removed = await lanes.store({ conversation: 'c1' });
    const next = await lanes.store({ conversation: 'c1' });
    await lanes.redis
      .multi()
      .del(`${lanes.sendRoot}${removed}`)
      .zrem(`${lanes.sendRoot}waiting-children`, removed)
      .exec();
    await lanes.turn();
    expect(await lanes.takeAll()).toEqual([next]);
    expect(await lanes.lane('c1')).toEqual([next]);
    expect(await readRepairs(lanes.shard)).toEqual({ removed: 1 });
  });
});
