import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { afterMs } from '../support/settled.ts';
import { joinShard, storeHeads } from '../support/turns.ts';
import { useLanes } from '../support/use-lanes.ts';

describe('a worker that has taken messages and may not begin them', () => {
  const lanes = useLanes();
  beforeEach(async () => {
    await lanes.rules({ concurrency: 200 });
  });
  afterEach(() => void vi.restoreAllMocks());

  describe('when it closes', () => {
    it('gives back what it had not begun: the first to go on, with no attempt and no word of it', async () => {
      const [worker, other] = [joinShard(lanes, { places: () => 3 }), joinShard(lanes, { name: 'other' })];
      const ids = await storeHeads(lanes, 4);
      const [first] = await worker.takeAll(1);
      await worker.close();
      const rest = await other.takeAll(3);
      expect(rest.map(({ id }) => id).toSorted()).toEqual(ids.filter((id) => id !== first?.id));
      for (const taken of rest) {
        expect(taken).toMatchObject({ verdict: 'go', attemptsUsed: 0, history: '' });
        expect(taken.attempt).toMatch(/^other\./);
      }
      expect(await lanes.redis.lrange(`${lanes.sendRoot}active`, 0, -1)).toHaveLength(4);
    });

    it('gives back what it is given while it closes', async () => {
      const worker = joinShard(lanes);
      const [id = ''] = await storeHeads(lanes, 1);
      const asked = Promise.withResolvers<void>();
      const { laneTurn } = lanes.redis;
      vi.spyOn(lanes.redis, 'laneTurn').mockImplementationOnce(async (...args) => {
        asked.resolve();
        return await laneTurn.apply(lanes.redis, args);
      });
      const taking = worker.take();
      await asked.promise;
      await worker.close();
      expect(await taking).toBeUndefined();
      const job = await lanes.jobOf(id);
      expect([job['place'], job['history']]).toEqual([undefined, undefined]);
      expect(await lanes.redis.exists(`${lanes.sendRoot}active`)).toBe(0);
    });

    it('asks for nothing more', async () => {
      const worker = joinShard(lanes);
      await storeHeads(lanes, 1);
      const taking = worker.take();
      await worker.close();
      expect([await taking, await worker.take()]).toEqual([undefined, undefined]);
      expect(await lanes.redis.exists(`${lanes.sendRoot}active`)).toBe(0);
    });

    it('leaves open what a dead worker had begun: nobody may take that for a message that was never sent', async () => {
      const [dead, worker, other] = [
        joinShard(lanes, { name: 'dead' }),
        joinShard(lanes),
        joinShard(lanes, { name: 'other' }),
      ];
      await storeHeads(lanes, 2);
      const open = await dead.takeAll(2);
      for (const taken of open) await lanes.stall(taken);
      const begun = await worker.take();
      const left = open.find(({ id }) => id !== begun?.id);
      if (!left) throw new Error('there is another one');
      await worker.close();
      expect(await lanes.jobOf(left.id)).toMatchObject({ place: 'sending', attempt: left.attempt });
      await lanes.stall(left);
      expect(await other.take()).toMatchObject({ id: left.id, verdict: 'unknown', attempt: left.attempt });
    });

    it('still settles what is open', async () => {
      const worker = joinShard(lanes);
      await storeHeads(lanes, 1);
      const [taken] = await worker.takeAll(1);
      await worker.close();
      expect(taken && (await worker.deliver(taken)).result.verdict).toBe('done');
    });
  });

  it('is answered so late that no request would end under its lock: it gives the message back, and takes it anew', async () => {
    const worker = joinShard(lanes, { lockMs: 200 });
    const [id = ''] = await storeHeads(lanes, 1);
    const { laneTurn } = lanes.redis;
    vi.spyOn(lanes.redis, 'laneTurn').mockImplementationOnce(async (...args) => {
      const answer = await laneTurn.apply(lanes.redis, args);
      await afterMs(150);
      return answer;
    });
    expect(await worker.take()).toBeUndefined();
    await eventually('it is given back', async () => (await lanes.jobOf(id))['place'] === undefined);
    expect(await worker.take()).toMatchObject({ id, verdict: 'go', history: '' });
  });
});
