import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { LaneRedis } from '../../src/shared/lanes/commands.ts';
import type { AttemptToSettle, SettleResult } from '../../src/shared/lanes/turn.ts';
import { connectPatiently } from '../../src/shared/redis.ts';
import type { RedisServer } from '../../src/testing/redis-handle.ts';
import { createTurns, type Leave, type TakenHere, type Turns, type TurnsDeps } from '../../src/worker/turns.ts';
import { commandCounts } from '../support/command-counts.ts';
import { eventually } from '../support/eventually.ts';
import { type Lanes, openLanes } from '../support/lanes.ts';
import { startTestRedis } from '../support/redis.ts';
import { readableLogger } from '../unit/worker/log-lines.ts';

const LOCK_MS = 20_000;

describe('what a worker says to its shard', () => {
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
    // Redis knows the script from then on.
    await lanes.turn();
  });
  afterEach(() => void vi.restoreAllMocks());
  afterAll(async () => {
    redis.disconnect();
    await server.stop();
  });

  interface TestWorker extends Turns {
    lines: string[];
    /** What the fleet says. */
    fleet: { leave: Leave; probe: Leave; givenUp: number };
    takeAll(count: number): Promise<TakenHere[]>;
    deliver(taken: TakenHere, wantsNext?: boolean): Promise<{ result: SettleResult; next: TakenHere | undefined }>;
  }

  function join(more: Partial<TurnsDeps> = {}): TestWorker {
    const { logger, lines } = readableLogger();
    const fleet: TestWorker['fleet'] = { leave: 'go', probe: 'probe', givenUp: 0 };
    const turns = createTurns({
      shard: lanes.shard,
      lockMs: LOCK_MS,
      name: 'worker',
      places: () => 100,
      leave: () => fleet.leave,
      askToProbe: () => Promise.resolve(fleet.probe),
      giveUpProbe: () => Promise.resolve(void (fleet.givenUp += 1)),
      logger,
      ...more,
    });
    return {
      ...turns,
      lines,
      fleet,
      async takeAll(count) {
        const taken = await Promise.all(Array.from({ length: count }, () => turns.take()));
        return taken.filter((one) => one !== undefined);
      },
      deliver: async (taken, wantsNext = false) => await turns.settle(deliveryOf(taken), wantsNext),
    };
  }

  const deliveryOf = ({ id, attempt }: TakenHere): AttemptToSettle => ({
    id,
    attempt,
    record: null,
    survived: true,
    settlement: { kind: 'delivered', elapsedMs: 1 },
  });

  async function store(count: number): Promise<string[]> {
    const ids: string[] = [];
    for (let n = 0; n < count; n += 1) ids.push(await lanes.store({ conversation: `c${n}` }));
    return ids;
  }

  const jobOf = async (id: string): Promise<Record<string, string>> => {
    return await redis.hgetall(`${lanes.shard.root}send:${id}`);
  };

  /** How many scripts run meanwhile. */
  async function scriptsDuring(work: () => Promise<unknown>): Promise<number> {
    const before = await commandCounts(redis);
    await work();
    return (await commandCounts(redis)).scripts - before.scripts;
  }

  describe('in one turn of the event loop', () => {
    it('is one script, however many messages it takes and settles', async () => {
      const worker = join();
      await store(60);
      let first: TakenHere[] = [];
      expect(await scriptsDuring(async () => (first = await worker.takeAll(30)))).toBe(1);
      expect(new Set(first.map(({ id }) => id)).size).toBe(30);
      let next: (TakenHere | undefined)[] = [];
      const settleAll = async (): Promise<void> => {
        const settled = await Promise.all(first.map((taken) => worker.deliver(taken, true)));
        expect(settled.map(({ result }) => result.verdict)).toEqual(first.map(() => 'done'));
        next = settled.map((one) => one.next);
      };
      expect(await scriptsDuring(settleAll)).toBe(1);
      expect(new Set([...first, ...next].map((taken) => taken?.id)).size).toBe(60);
    });

    it('is several if it is too much for one, which would keep all others waiting', async () => {
      const worker = join();
      await store(120);
      const taken: TakenHere[] = [];
      while (taken.length < 100) taken.push(...(await worker.takeAll(50)));
      expect(taken).toHaveLength(100);
      expect(await scriptsDuring(() => Promise.all(taken.map((one) => worker.deliver(one))))).toBe(2);
    });

    it('takes as many as there are places for, although one asks, and hands the others out without another word', async () => {
      const worker = join({ places: () => 3 });
      await store(10);
      const [first] = await worker.takeAll(1);
      let others: TakenHere[] = [];
      expect(await scriptsDuring(async () => (others = await worker.takeAll(2)))).toBe(0);
      expect(new Set([first, ...others].map((taken) => taken?.id)).size).toBe(3);
      expect(await scriptsDuring(async () => expect(await worker.take()).toBeUndefined())).toBe(0);
      expect(worker.isFull()).toBe(true);
    });

    it('is nothing if the worker has nothing to say', async () => {
      const worker = join();
      worker.fleet.leave = { waitMs: 1000 };
      await store(1);
      expect(await scriptsDuring(() => worker.take())).toBe(0);
    });
  });

  describe('that an attempt has ended', () => {
    it('is said again until Redis takes it, without the content of the error in the log', async () => {
      const worker = join();
      const [id = ''] = await store(1);
      const [taken] = await worker.takeAll(1);
      if (!taken) throw new Error('a message is there');
      const refusing = vi.spyOn(redis, 'laneTurn');
      const refusal = new Error(`OOM command not allowed: ${id} secret`);
      refusing.mockRejectedValueOnce(refusal).mockRejectedValueOnce(refusal);
      expect((await worker.deliver(taken)).result).toEqual({ verdict: 'done', delayMs: 0 });
      expect(refusing).toHaveBeenCalledTimes(3);
      expect(await jobOf(id)).toMatchObject({ place: 'ended', why: 'delivered' });
      expect(worker.lines).toHaveLength(2);
      expect(worker.lines.join('')).not.toContain('secret');
    });

    it('is said again alone if Redis refuses it alone', async () => {
      const worker = join();
      const [bad = '', good = ''] = await store(2);
      const taken = await worker.takeAll(2);
      // What somebody put there.
      const job = `${lanes.shard.root}send:${bad}`;
      await redis.rename(job, `${job}:kept`);
      await redis.set(job, 'no hash');
      const settled = taken.map((one) => worker.deliver(one));
      await settled[taken.findIndex(({ id }) => id === good)];
      expect(await jobOf(good)).toMatchObject({ place: 'ended' });
      await eventually('the refusal is told', () => worker.lines.some((line) => line.includes(bad)));
      await redis.rename(`${job}:kept`, job);
      expect((await Promise.all(settled)).map(({ result }) => result.verdict)).toEqual(['done', 'done']);
      expect(await lanes.lane('c0')).toEqual([]);
    });

    it('is said for all that it was: the message waits as long as it should', async () => {
      const worker = join();
      await store(1);
      const [taken] = await worker.takeAll(1);
      if (!taken) throw new Error('a message is there');
      const settlement = { kind: 'backoff', delayMs: 5000 } as const;
      const { result, next } = await worker.settle({ ...deliveryOf(taken), settlement }, true);
      expect([result, next]).toEqual([{ verdict: 'done', delayMs: 5000 }, undefined]);
    });
  });

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
      expect([job['place'], job['attempt'], job['history']]).toEqual([undefined, undefined, undefined]);
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
      await new Promise((resolve) => setTimeout(resolve, 150));
      return answer;
    });
    expect(await worker.take()).toBeUndefined();
    await eventually('it is given back', async () => (await jobOf(id))['place'] === undefined);
    expect(await worker.take()).toMatchObject({ id, verdict: 'go', history: '' });
  });

  describe('while the API is down', () => {
    it('takes one message as a probe, whatever the limit says', async () => {
      await lanes.rules({ intervalMs: 60_000 });
      const worker = join();
      await store(3);
      expect(await worker.takeAll(1)).toHaveLength(1);
      worker.fleet.leave = 'probe';
      const [probe] = await worker.takeAll(1);
      expect(probe).toMatchObject({ isProbe: true });
      expect(worker.fleet.givenUp).toBe(0);
    });

    it('lets another one probe if there is nothing to send', async () => {
      const worker = join();
      worker.fleet.leave = 'probe';
      expect(await worker.take()).toBeUndefined();
      expect(worker.fleet.givenUp).toBe(1);
    });

    it('takes nothing while another one probes, and uses no slot of a limit', async () => {
      await lanes.rules({ intervalMs: 60_000 });
      const worker = join();
      worker.fleet.leave = 'probe';
      worker.fleet.probe = { waitMs: 500 };
      await store(1);
      for (let n = 0; n < 5; n += 1) expect(await worker.take()).toBeUndefined();
      worker.fleet.leave = 'go';
      expect(await worker.take()).toMatchObject({ verdict: 'go', isProbe: false });
    });
  });

  it('has a place again for a message on which our own code failed; its attempt stays open', async () => {
    const worker = join({ places: () => 1 });
    const ids = await store(2);
    const [failed] = await worker.takeAll(1);
    expect(await worker.take()).toBeUndefined();
    worker.abandon();
    const [next] = await worker.takeAll(1);
    expect(new Set([failed?.id, next?.id])).toEqual(new Set(ids));
    expect(await jobOf(failed?.id ?? '')).toMatchObject({ place: 'sending', attempt: failed?.attempt });
  });

  it('tells of a job that is no message, and goes on', async () => {
    const worker = join();
    const [id] = await store(1);
    await redis.lpush(`${lanes.shard.root}send:wait`, 'by-hand');
    await redis.hset(`${lanes.shard.root}send:by-hand`, 'data', '{}');
    expect((await worker.takeAll(2)).map((taken) => taken.id)).toEqual([id]);
    expect(worker.lines.join('')).toMatch(/"id":"by-hand".*no message of ours/);
    expect(await redis.exists(`${lanes.shard.root}send:by-hand`)).toBe(0);
  });
});
