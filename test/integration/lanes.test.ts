import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { DeadLetterPayload } from '../../src/shared/dead-letter.ts';
import type { LaneRedis } from '../../src/shared/lanes/commands.ts';
import { connectPatiently } from '../../src/shared/redis.ts';
import type { RedisServer } from '../../src/testing/redis-handle.ts';
import { delivered, type Lanes, openLanes, type Taken } from '../support/lanes.ts';
import { startTestRedis } from '../support/redis.ts';

const letter: DeadLetterPayload = {
  v: 1,
  reason: 'rejected',
  request: null,
  enqueuedAt: '2026-11-22T10:00:00.000Z',
  attempts: [],
  attemptsUsed: 1,
  attemptsAllowed: 8,
  response: null,
  label: null,
  replayOf: null,
};

describe('the lanes', () => {
  let server: RedisServer;
  let redis: LaneRedis;
  let lanes: Lanes;
  beforeAll(async () => {
    server = await startTestRedis();
    redis = connectPatiently(server.url);
  });
  beforeEach(async () => {
    lanes = await openLanes(redis);
  });
  afterAll(async () => {
    redis.disconnect();
    await server.stop();
  });

  async function take(): Promise<Taken> {
    const taken = await lanes.take();
    if (!taken) throw new Error('nothing is released');
    return taken;
  }

  /** Takes and claims the next job. */
  async function start(attempt: string): Promise<Taken> {
    const taken = await take();
    expect(await lanes.claim(taken, attempt)).toMatchObject({ verdict: 'go' });
    return taken;
  }

  it('release the head of a conversation, and the next one when it has ended', async () => {
    const [first, second, third] = [
      await lanes.store({ conversation: 'c1' }),
      await lanes.store({ conversation: 'c1' }),
      await lanes.store({ conversation: 'c1' }),
    ];
    expect(await lanes.released()).toEqual([first]);
    const taken = await start('a');
    expect(await lanes.released()).toEqual([]);
    expect(await lanes.settle(taken, 'a', delivered)).toEqual({ verdict: 'done', delayMs: 0 });
    expect(await lanes.released()).toEqual([second]);
    expect(await lanes.lane('c1')).toEqual([second, third]);
  });

  it('leave nothing but their records behind when all has ended', async () => {
    const ids: string[] = [];
    for (const conversation of ['c1', 'c1', 'c2']) ids.push(await lanes.store({ conversation }));
    for (const attempt of ['a', 'b', 'c']) await lanes.settle(await start(attempt), attempt, delivered);
    expect(await lanes.keys()).toEqual([...ids.map((id) => `send:${id}`), 'send:completed'].toSorted());
  });

  it('store a message once, however often the same add is repeated, also after it was claimed', async () => {
    const id = await lanes.store({ conversation: 'c1' });
    await lanes.store({ conversation: 'c1', id });
    await start('a');
    await lanes.store({ conversation: 'c1', id });
    expect(await lanes.lane('c1')).toEqual([id]);
    expect(await lanes.released()).toEqual([]);
  });

  it('count what is open against the limit, and take back what is too much', async () => {
    await lanes.store({ conversation: 'c1' });
    await start('a');
    await lanes.store({ conversation: 'c1' });
    const before = await lanes.keys();
    expect(await lanes.tryStore({ conversation: 'c2', maxQueued: 2 })).toEqual({ verdict: 'full' });
    expect(await lanes.keys()).toEqual(before);
    expect(await lanes.tryStore({ conversation: 'c2', maxQueued: 3 })).toEqual({ verdict: 'stored' });
  });

  it('release no more of one page than its window has room for, and go on when room is made', async () => {
    await lanes.limitWindow(2);
    const ids = [];
    for (const conversation of ['c1', 'c2', 'c3', 'c4']) ids.push(await lanes.store({ conversation }));
    const other = await lanes.store({ page: 'p2', conversation: 'c1' });
    expect(await lanes.released()).toEqual([ids[0], ids[1], other]);
    const taken = await start('a');
    await lanes.settle(taken, 'a', delivered);
    expect(await lanes.released()).toEqual([ids[1], other, ids[2]]);
  });

  it('keep a conversation blocked while its head is in backoff, but not its page', async () => {
    await lanes.limitWindow(1);
    const failing = await lanes.store({ conversation: 'c1' });
    await lanes.store({ conversation: 'c1' });
    const other = await lanes.store({ conversation: 'c2' });
    const taken = await start('a');
    expect(taken.id).toBe(failing);
    await lanes.settle(taken, 'a', { kind: 'backoff', delayMs: 1000 });
    await lanes.putOff(taken);
    expect(await lanes.released()).toEqual([other]);
    expect(await lanes.window()).toEqual([other]);
  });

  it('stop releasing when four windows of heads are in backoff, and go on when one has ended', async () => {
    await lanes.limitWindow(1);
    const ids: string[] = [];
    for (let n = 0; n < 6; n += 1) ids.push(await lanes.store({ conversation: `c${n}` }));
    for (let n = 0; n < 4; n += 1) {
      const taken = await start(`a${n}`);
      await lanes.settle(taken, `a${n}`, { kind: 'backoff', delayMs: 0 });
      await lanes.putOff(taken);
    }
    expect(await lanes.released()).toEqual([]);
    await lanes.comeBack(ids[0] ?? '');
    const back = await start('b');
    await lanes.settle(back, 'b', delivered);
    expect(await lanes.released()).toEqual([ids[4]]);
  });

  it('put a head that comes back from backoff first in line if its page is busy', async () => {
    await lanes.limitWindow(1);
    const failing = await lanes.store({ conversation: 'c1' });
    const second = await lanes.store({ conversation: 'c2' });
    const third = await lanes.store({ conversation: 'c3' });
    const taken = await start('a');
    await lanes.settle(taken, 'a', { kind: 'backoff', delayMs: 0 });
    await lanes.putOff(taken);
    const busy = await start('b');
    expect(busy.id).toBe(second);
    await lanes.comeBack(failing);
    expect(await lanes.claim(await take())).toEqual({ verdict: 'parked' });
    await lanes.settle(busy, 'b', delivered);
    expect(await lanes.released()).toEqual([failing]);
    const again = await start('c');
    await lanes.settle(again, 'c', delivered);
    expect(await lanes.released()).toEqual([third]);
  });

  it('park a message that is not its conversation’s head: it is not lost and goes in its turn', async () => {
    await lanes.store({ conversation: 'c1' });
    const second = await lanes.store({ conversation: 'c1' });
    const first = await start('a');
    // An operator promotes it in some dashboard.
    await redis.zrem(`${lanes.shard.root}send:waiting-children`, second);
    await redis.lpush(`${lanes.shard.root}send:wait`, second);
    expect(await lanes.claim(await take())).toEqual({ verdict: 'parked' });
    await lanes.settle(first, 'a', delivered);
    expect(await lanes.released()).toEqual([second]);
  });

  it('let nobody without the lock claim or settle', async () => {
    await lanes.store({ conversation: 'c1' });
    const taken = await start('a');
    const thief = { id: taken.id, token: 'another' };
    expect(await lanes.claim(thief)).toEqual({ verdict: 'lost' });
    expect(await lanes.settle(thief, 'a', delivered)).toEqual({ verdict: 'lost' });
    expect(await lanes.settle(taken, 'another attempt', delivered)).toEqual({ verdict: 'lost' });
    expect(await lanes.lane('c1')).toEqual([taken.id]);
  });

  it('answer a repeated claim or settle of the same attempt as the first time, and do nothing twice', async () => {
    await lanes.store({ conversation: 'c1' });
    const second = await lanes.store({ conversation: 'c1' });
    const taken = await start('a');
    expect(await lanes.claim(taken, 'a')).toMatchObject({ verdict: 'go' });
    for (let n = 0; n < 2; n += 1) {
      expect(await lanes.settle(taken, 'a', delivered)).toEqual({ verdict: 'done', delayMs: 0 });
    }
    expect(await lanes.lane('c1')).toEqual([second]);
    expect(await lanes.released()).toEqual([second]);
  });

  it('tell the next worker of an attempt that a dead one left open, and settle it once', async () => {
    await lanes.store({ conversation: 'c1' });
    const dead = await start('a');
    await lanes.stall(dead);
    const next = await take();
    expect(await lanes.claim(next, 'b')).toMatchObject({ verdict: 'unknown', claimed: { openAttempt: 'a' } });
    expect(await lanes.settle(next, 'a', { kind: 'backoff', delayMs: 5000 }, false)).toEqual({
      verdict: 'done',
      delayMs: 5000,
    });
    // It dies too, before BullMQ has put the job off: the wait still counts.
    await lanes.stall(next);
    expect(await lanes.claim(await take(), 'c')).toEqual({ verdict: 'wait', delayMs: expect.any(Number) as unknown });
  });

  it('say of an ended message that it has ended, so that it is never sent again', async () => {
    await lanes.store({ conversation: 'c1' });
    const taken = await start('a');
    await lanes.settle(taken, 'a', { kind: 'dead', letter });
    // Its worker dies before BullMQ has removed it.
    await lanes.stall(taken);
    expect(await lanes.claim(await take())).toEqual({ verdict: 'settled', as: 'dead' });

    const id = await lanes.store({ conversation: 'c2' });
    await lanes.settle(await start('b'), 'b', delivered);
    // An operator retries it in some dashboard.
    const send = `${lanes.shard.root}send:`;
    await redis.multi().zrem(`${send}completed`, id).lpush(`${send}wait`, id).exec();
    expect(await lanes.claim(await take())).toEqual({ verdict: 'settled', as: 'delivered' });
  });

  it('call a message crashed that kept five workers from settling it', async () => {
    await lanes.store({ conversation: 'c1' });
    for (let n = 1; n <= 5; n += 1) {
      let taken = await start(`a${n}`);
      await lanes.stall(taken);
      taken = await take();
      if (n === 5) {
        expect(await lanes.claim(taken)).toMatchObject({ verdict: 'crashed', claimed: { openAttempt: 'a5' } });
        return;
      }
      expect(await lanes.claim(taken)).toMatchObject({ verdict: 'unknown' });
      await lanes.settle(taken, `a${n}`, { kind: 'backoff', delayMs: 0 }, false);
      await lanes.putOff(taken);
      await lanes.comeBack(taken.id);
    }
  });

  it('show a dead letter only if the message was still ours to end', async () => {
    const dead = `${lanes.shard.root}dead:`;
    const id = await lanes.store({ conversation: 'c1' });
    const taken = await start('a');
    expect(await lanes.settle({ id, token: 'another' }, 'a', { kind: 'dead', letter })).toEqual({ verdict: 'lost' });
    expect(await redis.exists(`${dead}${id}`, `${dead}failed`, `${dead}waiting-children`)).toBe(0);

    for (let n = 0; n < 2; n += 1) {
      expect(await lanes.settle(taken, 'a', { kind: 'dead', letter })).toMatchObject({ verdict: 'done' });
    }
    expect(await redis.zrange(`${dead}failed`, 0, '-1')).toEqual([id]);
    expect(await redis.exists(`${dead}waiting-children`)).toBe(0);

    // A worker that lost the message comes late: the letter stays.
    await lanes.stall(taken);
    const late = await take();
    expect(await lanes.settle(late, 'b', { kind: 'dead', letter })).toMatchObject({ verdict: 'settled' });
    expect(await redis.hget(`${dead}${id}`, 'failedReason')).toBe('rejected');
  });

  it('forget a head whose job somebody removed, and go on with the next one', async () => {
    await lanes.limitWindow(1);
    const busy = await lanes.store({ conversation: 'c0' });
    const removed = await lanes.store({ conversation: 'c1' });
    const next = await lanes.store({ conversation: 'c1' });
    await redis.del(`${lanes.shard.root}send:${removed}`);
    await redis.zrem(`${lanes.shard.root}send:waiting-children`, removed);
    const taken = await start('a');
    expect(taken.id).toBe(busy);
    await lanes.settle(taken, 'a', delivered);
    expect(await lanes.released()).toEqual([next]);
    expect(await lanes.lane('c1')).toEqual([next]);
  });
});
