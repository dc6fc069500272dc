import { beforeEach, describe, expect, it } from 'vitest';
import { type Beat, beatIn, tickIn, type WorkerRecord } from '../../src/shared/lanes/fleet/leader.ts';
import { readHolds, release } from '../../src/shared/lanes/holds/hold.ts';
import { createMarks, type Marks } from '../../src/worker/fleet/marks.ts';
import { useSimulatedTime } from '../support/limits/simulated-time.ts';
import { useLanes } from '../support/use-lanes.ts';

const HOUR_MS = 3_600_000;
const TICK_MS = 1500;
const WORKER: WorkerRecord = { version: '1.0.0', since: '2026-11-22T10:00:00.000Z', concurrency: 50, sending: 0 };

describe('a shard whose data has gone back to an earlier state', () => {
  const time = useSimulatedTime();
  const lanes = useLanes(time);
  let marks: Marks;
  beforeEach(() => {
    marks = createMarks([lanes.shard], null);
  });

  async function beat(of: Marks = marks, workerId = 'leader'): Promise<Beat['notice']> {
    const memory = { marks: of.seenOf(lanes.shard), holdsSuspected: false };
    const { position, notice } = await beatIn(lanes.shard, { workerId, record: WORKER, window: 0, memory });
    of.note(lanes.shard, position);
    return notice;
  }

  /** Lets the leader tick for some time. */
  async function lead(forMs: number): Promise<void> {
    for (let passedMs = 0; passedMs < forMs; passedMs += TICK_MS) {
      await time.pass(TICK_MS);
      const position = marks.positionOf(lanes.shard);
      const ticked = await tickIn(lanes.shard, {
        workerId: 'leader',
        keepDoneMs: 60_000,
        keepDone: 1000,
        keepEvents: 1000,
        lockMs: 20_000,
        position,
      });
      if (ticked === 'elsewhere') expect(await beat()).toMatchObject({ kind: 'lost-writes' });
      if (typeof ticked !== 'string') marks.note(lanes.shard, ticked.position);
    }
  }

  const fleet = (): string => `${lanes.shard.root}fleet`;
  const takeAll = async (of: Marks = marks): Promise<string[]> =>
    await lanes.takeAll({ position: of.positionOf(lanes.shard) });
  const lostWrites = async (): Promise<string | null> =>
    await lanes.redis.hget(`${lanes.shard.root}repairs`, 'lost-writes');

  /** @returns what brings the leader's notes back to their state of now */
  async function backUp(): Promise<() => Promise<void>> {
    const notes = await lanes.redis.hgetall(fleet());
    return async () => {
      await lanes.redis.del(fleet());
      await lanes.redis.hset(fleet(), notes);
    };
  }

  it('hands out nothing before a worker has looked, and then holds everything', async () => {
    const [first] = await lanes.storeInto(['c1', 'c2']);
    await beat();
    const restore = await backUp();
    await lead(12_000);
    await restore();
    await time.pass(HOUR_MS);
    expect(await takeAll()).toEqual([]);
    const seenAt = time.nowMs() - HOUR_MS;
    const notice = { kind: 'restored', seenAt, backTo: seenAt - 12_000, messages: 2, isHeld: true };
    expect(await beat()).toMatchObject(notice);
    expect(await readHolds(lanes.shard)).toMatchObject([{ reason: 'restored', restore: notice }]);
    const later = await lanes.store({ conversation: 'c3' });
    expect(await takeAll()).toEqual([]);

    await release(lanes.shard, {});
    expect(await takeAll()).toEqual([first, expect.any(String), later]);
  });

  it('is noticed once, whoever looks, and stays released', async () => {
    await lanes.storeInto(['c1']);
    await beat();
    const restore = await backUp();
    await lead(12_000);
    const other = createMarks([lanes.shard], null);
    expect(await beat(other, 'other')).toBeNull();
    await restore();
    expect(await beat()).toMatchObject({ kind: 'restored' });
    await release(lanes.shard, {});
    expect(await takeAll(other)).toEqual([]);
    expect(await beat(other, 'other')).toBeNull();
    expect(await takeAll(other)).toHaveLength(1);
  });

  it('counts what was stored or due when a worker last saw it, and nothing that came later', async () => {
    await lanes.storeInto(['c1', 'c1', 'c2']);
    await lanes.store({ conversation: 'c3', due: { delayMs: 6000 } });
    await lanes.store({ conversation: 'c4', due: { delayMs: HOUR_MS } });
    await beat();
    const restore = await backUp();
    await lead(12_000);
    await restore();
    await time.pass(1000);
    await lanes.storeInto(['c5', 'c6']);
    expect(await beat()).toMatchObject({ messages: 4 });
  });

  it('with nothing in it that could be sent twice is not held', async () => {
    await beat();
    const restore = await backUp();
    await lead(12_000);
    await restore();
    await time.pass(1000);
    const [fresh] = await lanes.storeInto(['c1']);
    expect(await beat()).toMatchObject({ kind: 'restored', messages: 0, isHeld: false });
    expect(await takeAll()).toEqual([fresh]);
    expect(await beat()).toBeNull();
  });

  it('by no more than a failover loses goes on, and is counted', async () => {
    await lanes.storeInto(['c1']);
    await beat();
    const restore = await backUp();
    await lead(9000);
    await restore();
    expect(await beat()).toEqual({ kind: 'lost-writes', lostMs: 9000 });
    expect(await lostWrites()).toBe('1');
    expect(await beat()).toBeNull();
    expect(await takeAll()).toHaveLength(1);
  });

  it.each([
    ['forward', HOUR_MS],
    ['back', -HOUR_MS],
  ])('by a failover to a Redis whose clock is an hour %s goes on', async (_where, byMs) => {
    await lanes.storeInto(['c1']);
    await beat();
    await lead(3000);
    const failOver = await backUp();
    await lead(3000);
    await failOver();
    await time.step(byMs);
    await lead(6000);
    await time.step(-byMs);
    const failBack = await backUp();
    await lead(1500);
    await failBack();
    await lead(6000);
    expect(await readHolds(lanes.shard)).toEqual([]);
    expect(Number(await lostWrites())).toBeLessThanOrEqual(2);
    expect(await takeAll()).toHaveLength(1);
  });

  it('because it was emptied is a new one: messages that are stored then are sent when a worker has looked', async () => {
    await beat();
    await lead(12_000);
    await lanes.redis.del(fleet());
    await lanes.rules({});
    const [fresh] = await lanes.storeInto(['c1']);
    expect(await takeAll()).toEqual([]);
    expect(await beat()).toBeNull();
    expect(await takeAll()).toEqual([fresh]);
  });

  it('is noticed by a worker that has seen the later state only by taking messages', async () => {
    await lanes.storeInto(['c1']);
    await beat();
    const other = createMarks([lanes.shard], null);
    await beat(other, 'other');
    const restore = await backUp();
    await lead(12_000);
    const { seen } = await lanes.turn({ places: 1, position: other.positionOf(lanes.shard) });
    if (seen !== null && seen !== 'elsewhere') other.saw(lanes.shard, seen);
    await restore();
    await lanes.storeInto(['c2']);
    expect(await takeAll(other)).toEqual([]);
    expect(await beat(other, 'other')).toMatchObject({ kind: 'restored', seenAt: time.nowMs() });
  });

  it('takes back what was released for a slot', async () => {
    const intervalMs = 100;
    await lanes.rules({ intervalMs });
    await lanes.storeInto(['c1', 'c2', 'c3']);
    await beat();
    const restore = await backUp();
    await lead(12_000);
    await restore();
    await lanes.turn({ places: 3 });
    expect(await beat()).toMatchObject({ isHeld: true });
    expect(await lanes.redis.llen(`${lanes.sendRoot}wait`)).toBe(0);
    const position = marks.positionOf(lanes.shard);
    expect(await lanes.turn({ places: 3, dueSlots: 2, laterSlots: 1, position })).toMatchObject({ taken: [] });
  });
});
