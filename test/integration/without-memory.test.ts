import { describe, expect, it } from 'vitest';
import {
  discardLetters,
  expireLetters,
  readLetterData,
  settleLetter,
} from '../../src/shared/lanes/dead/dead-letters.ts';
import {
  askGate,
  closeCircuits,
  noteStopped,
  readCircuits,
  tellCircuit,
} from '../../src/shared/lanes/fleet/circuits.ts';
import { isRefusedRecipient, noteRefusedRecipient, tellEvidence } from '../../src/shared/lanes/fleet/evidence.ts';
import { beatIn, tickIn } from '../../src/shared/lanes/fleet/leader.ts';
import { agreeOnLimits, leaveLimits, readLimits, writeLimits, writePace } from '../../src/shared/lanes/fleet/limits.ts';
import { hold, release } from '../../src/shared/lanes/holds/hold.ts';
import { cancelStored } from '../../src/shared/lanes/messages/cancel.ts';
import { wakeAnother } from '../../src/shared/lanes/messages/settle-and-take.ts';
import { reconcile } from '../../src/shared/lanes/repair/reconcile.ts';
import { bucketOf, writeTraffic } from '../../src/shared/reading/traffic.ts';
import { delivered, ended, letter } from '../support/settlements.ts';
import { useLanes } from '../support/use-lanes.ts';
import { withoutMemory } from '../support/without-memory.ts';

/** Everything that ends or shrinks something, or that delivery needs, works when Redis has no memory left; only storing does not. */
describe('a Redis without memory', () => {
  const lanes = useLanes();
  const namespace = 'without-memory';
  const field = 'failing api';
  const observation = {
    field,
    seen: 'failed',
    facts: { scope: 'api', reason: 'api-down', what: 'HTTP 500', conversations: 3 },
    pauseMs: 1000,
    maxPauseMs: 2000,
  } as const;
  const inFull = <T>(act: () => Promise<T>): Promise<T> => withoutMemory(lanes.redis, act);

  it('stores nothing, and says so', async () => {
    await expect(inFull(() => lanes.store({ conversation: 'c1' }))).rejects.toThrow(/^OOM/);
  });

  it('takes and ends holds, and cancels', async () => {
    const id = await lanes.store({ conversation: 'c1' });
    await inFull(async () => {
      expect(await hold(lanes.shard, { page: 'p1', reason: 'operator' })).toBe(true);
      expect(await release(lanes.shard, { page: 'p1' })).toBe(true);
      expect(await cancelStored(lanes.shard, id)).toBe('cancelled');
    });
  });

  it('lets a worker beat, lead, keep house and call others', async () => {
    const record = { version: '1', since: new Date().toISOString(), concurrency: 5, sending: 0 };
    await lanes.store({ conversation: 'c1' });
    await inFull(async () => {
      expect(await beatIn(lanes.shard, { workerId: 'w', record, window: 0 })).toMatchObject({ leads: true });
      await tickIn(lanes.shard, { workerId: 'w', keepDoneMs: 1000, keepDone: 1000, keepEvents: 1000, lockMs: 5000 });
      await reconcile(lanes.shard, '0');
      await wakeAnother(lanes.shard);
      const attempts = new Map([['delivered', 1]]);
      await writeTraffic(lanes.redis, namespace, new Map([[bucketOf(Date.now()), attempts]]));
    });
  });

  it('opens, asks, changes and closes circuits, and takes evidence', async () => {
    await inFull(async () => {
      expect(await tellCircuit(lanes.redis, namespace, observation)).toMatchObject({ isNew: true });
      await noteStopped(lanes.redis, namespace, field, ['p1']);
      const asking = { id: '1', probeMs: 1000, wasTried: false, fields: [field] };
      expect(await askGate(lanes.redis, namespace, asking)).toMatchObject({ verdict: 'hold' });
      await closeCircuits(lanes.redis, namespace, [field]);
      const found = { page: 'p', conversation: 'c', key: 'k', trouble: 'failing', windowMs: 1000, before: null };
      const told = await tellEvidence(lanes.redis, namespace, { found, successes: [['api', 0]] });
      expect(told.findings).toHaveLength(1);
      await noteRefusedRecipient(lanes.redis, namespace, 'p/c');
      expect(await isRefusedRecipient(lanes.redis, namespace, 'p/c')).toBe(true);
    });
    expect((await readCircuits(lanes.redis, namespace)).open).toEqual([]);
  });

  it('agrees on limits, and lets operators set them', async () => {
    const asks = { rate: '5/s', pageRate: 'none' };
    await inFull(async () => {
      await agreeOnLimits(lanes.redis, namespace, { workerId: 'w', word: 'beat', asks, highestTerm: 0 });
      await writePace(lanes.redis, lanes.shard.root, 1, { intervalMs: 20, burst: 1, pageIntervalMs: 0, pageBurst: 1 });
      await writeLimits(lanes.redis, namespace, { rate: '9/s', pageRate: null });
      await leaveLimits(lanes.redis, namespace, 'w');
    });
    expect(await readLimits(lanes.redis, namespace)).toMatchObject({ rate: '9/s', pageRate: null });
  });

  it('writes, discards and expires dead letters', async () => {
    const [first = ''] = await lanes.storeInto(['c1', 'c2']);
    await inFull(async () => {
      const { taken } = await lanes.turn();
      const settlements = taken.map((one) => ended(one, { kind: 'dead', letter, holds: true }));
      expect((await lanes.turn({ places: 0, settlements })).settled).toEqual([
        { verdict: 'done', delayMs: 0 },
        { verdict: 'done', delayMs: 0 },
      ]);
      expect(await discardLetters(lanes.shard, [first])).toEqual([true]);
      const expired = await expireLetters(lanes.shard, { keepDeadMs: -1000, atMost: 10, cursor: '0' });
      expect(expired).toMatchObject({ removed: 1 });
    });
  });

  it('settles dead letters', async () => {
    const ids = await lanes.storeInto(['c1', 'c2']);
    const { taken } = await lanes.turn();
    const settlements = taken.map((one) => ended(one, { kind: 'dead', letter, holds: true }));
    await lanes.turn({ places: 0, settlements });
    const job = { name: 'text', data: 'x'.repeat(10_000), opts: '{}', timestamp: 0 };
    const ends = [
      { outcome: 'delivered', job } as const,
      { outcome: 'not-delivered', data: 'x'.repeat(10_000) } as const,
    ];
    await inFull(async () => {
      for (const [nth, end] of ends.entries()) {
        const id = ids[nth] ?? '';
        const data = (await readLetterData(lanes.shard, id)) ?? '';
        expect(await settleLetter(lanes.shard, { id, data, lane: '', by: 'anna', label: null, end })).toBe('done');
      }
    });
  });

  it('hands out a probe, and notes an answer that comes too late', async () => {
    await lanes.rules({ intervalMs: 1000 });
    await lanes.store({ conversation: 'c1' });
    await inFull(async () => {
      const { taken } = await lanes.turn({ isProbe: true, places: 1 });
      expect(taken.map(({ verdict }) => verdict)).toEqual(['go']);
      const record = {
        atMs: 1,
        outcome: 'unknown',
        detail: null,
        httpStatus: null,
        durationMs: 1,
        usedAttempt: true,
      } as const;
      const late = taken.map(({ id }) => Object.assign(ended({ id, attempt: 'another' }, delivered), { record }));
      const { settled } = await lanes.turn({ places: 3, settlements: late, look: 'woken' });
      expect(settled).toEqual([{ verdict: 'late' }]);
    });
  });

  it('hands out nothing new when a worker asks only whether something is due', async () => {
    await lanes.store({ conversation: 'c1' });
    await inFull(() => lanes.turn({ places: 0, look: 'due' }));
    expect(await lanes.redis.exists(`${lanes.sendRoot}marker`)).toBe(1);
  });
});
