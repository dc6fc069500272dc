import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { LaneRedis } from '../../src/shared/lanes/commands.ts';
import { connectPatiently } from '../../src/shared/session/connect.ts';
import type { RedisServer } from '../../src/testing/redis/redis-handle.ts';
import type { TurnsDeps } from '../../src/worker/bullmq/turns.ts';
import { eventually } from '../support/eventually.ts';
import { type Lanes, openLanes } from '../support/lanes.ts';
import { startTestRedis } from '../support/redis.ts';
import { afterMs } from '../support/settled.ts';
import { joinShard, type TestWorker } from '../support/turns.ts';

describe('a worker that has taken messages and may not begin them', () => {
  let server: RedisServer;
  let redis: LaneRedis;
  let lanes: Lanes;
  let laneTurn: LaneRedis['laneTurn'];
  beforeAll(async () => {
    server = await startTestRedis();
    redis = connectPatiently(server.url);
    ({ laneTurn } = redis);
  });
  beforeEach(async () => {
    lanes = await openLanes(redis);
    await lanes.rules({ concurrency: 200 });
  });
  afterEach(() => void vi.restoreAllMocks());
  afterAll(async () => {
    redis.disconnect();
    await server.stop();
  });

  const join = (more: Partial<TurnsDeps> = {}): TestWorker => joinShard(lanes, more);

  async function store(count: number): Promise<string[]> {
    const ids: string[] = [];
    for (let n = 0; n < count; n += 1) ids.push(await lanes.store({ conversation: `c${n}` }));
    return ids;
  }

  const jobOf = async (id: string): Promise<Record<string, string>> => {
    return await redis.hgetall(`${lanes.shard.root}send:${id}`);
  };

  describe('when it closes', () => {
    it('gives back what it had not begun: the first to go on, with no attempt and no word of it', async () => {
      const [worker, other] = [join({ places: () => 3 }), join({ name: 'other' })];
      const ids = await store(4);
      const [first] = await worker.takeAll(1);
      await worker.close();
      const rest = await other.takeAll(3);
      expect(rest.map(({ id }) => id).toSorted()).toEqual(ids.filter((id) => id !== first?.id));
      for (const taken of rest) {
        expect(taken).toMatchObject({ verdict: 'go', attemptsUsed: 0, history: '' });
        expect(taken.attempt).toMatch(/^other\./);
      }
      expect(await redis.lrange(`${lanes.shard.root}send:active`, 0, -1)).toHaveLength(4);
    });

    it('gives back what it is given while it closes', async () => {
      const worker = join();
      const [id = ''] = await store(1);
      const asked = Promise.withResolvers<void>();
      vi.spyOn(redis, 'laneTurn').mockImplementationOnce(async (...args) => {
        asked.resolve();
        return await laneTurn.apply(redis, args);
      });
      const taking = worker.take();
      await asked.promise;
      await worker.close();
      expect(await taking).toBeUndefined();
      const job = await jobOf(id);
      expect([job['place'], job['history']]).toEqual([undefined, undefined]);
      expect(await redis.exists(`${lanes.shard.root}send:active`)).toBe(0);
    });

    it('asks for nothing more', async () => {
      const worker = join();
      await store(1);
      const taking = worker.take();
      await worker.close();
      expect([await taking, await worker.take()]).toEqual([undefined, undefined]);
      expect(await redis.exists(`${lanes.shard.root}send:active`)).toBe(0);
    });

    it('leaves open what a dead worker had begun: nobody may take that for a message that was never sent', async () => {
      const [dead, worker, other] = [join({ name: 'dead' }), join(), join({ name: 'other' })];
      await store(2);
      const open = await dead.takeAll(2);
      for (const taken of open) await lanes.stall(taken);
      const begun = await worker.take();
      const left = open.find(({ id }) => id !== begun?.id);
      if (!left) throw new Error('there is another one');
      await worker.close();
      expect(await jobOf(left.id)).toMatchObject({ place: 'sending', attempt: left.attempt });
      await lanes.stall(left);
      expect(await other.take()).toMatchObject({ id: left.id, verdict: 'unknown', attempt: left.attempt });
    });

    it('still settles what is open', async () => {
      const worker = join();
      await store(1);
      const [taken] = await worker.takeAll(1);
      await worker.close();
      expect(taken && (await worker.deliver(taken)).result.verdict).toBe('done');
    });
  });

  it('is answered so late that no request would end under its lock: it gives the message back, and takes it anew', async () => {
    const worker = join({ lockMs: 200 });
    const [id = ''] = await store(1);
    vi.spyOn(redis, 'laneTurn').mockImplementationOnce(async (...args) => {
      const answer = await laneTurn.apply(redis, args);
      await afterMs(150);
      return answer;
    });
    expect(await worker.take()).toBeUndefined();
    await eventually('it is given back', async () => (await jobOf(id))['place'] === undefined);
    expect(await worker.take()).toMatchObject({ id, verdict: 'go', history: '' });
  });
});
