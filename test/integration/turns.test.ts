import { RAMP_STEP_MS } from '../../src/worker/bullmq/ramp.ts';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { hold } from '../../src/shared/lanes/holds/hold.ts';
import type { TakenHere } from '../../src/worker/message/attempt.ts';
import { commandCounts } from '../support/command-counts.ts';
import { eventually } from '../support/eventually.ts';
import { backoff, ended } from '../support/settlements.ts';
import { joinShard, storeHeads, type TestWorker } from '../support/turns.ts';
import { useLanes } from '../support/use-lanes.ts';

describe('what a worker says to its shard', () => {
  const lanes = useLanes();
  beforeEach(async () => {
    await lanes.rules({ concurrency: 200 });
    // Redis knows the script from then on.
    await lanes.turn();
  });
  afterEach(() => void vi.restoreAllMocks());

  /** How many scripts run meanwhile. */
  async function scriptsDuring(work: () => Promise<unknown>): Promise<number> {
    const before = await commandCounts(lanes.redis);
    await work();
    return (await commandCounts(lanes.redis)).scripts - before.scripts;
  }

  /** Takes a message, and goes to a time at which the worker may use all its places. */
  async function warmUp(worker: TestWorker): Promise<void> {
    expect(await worker.takeAll(1)).toHaveLength(1);
    const now = performance.now.bind(performance);
    vi.spyOn(performance, 'now').mockImplementation(() => now() + 500);
  }

  describe('in one turn of the event loop', () => {
    it('is one script, however many messages it takes and settles', async () => {
      const worker = joinShard(lanes);
      await storeHeads(lanes, 61);
      await warmUp(worker);
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
      const worker = joinShard(lanes, { places: () => 120 });
      await storeHeads(lanes, 120);
      await warmUp(worker);
      const taken: TakenHere[] = [];
      while (taken.length < 100) taken.push(...(await worker.takeAll(Math.min(50, 100 - taken.length))));
      expect(taken).toHaveLength(100);
      const scripts = await scriptsDuring(() => Promise.all(taken.map((one) => worker.deliver(one))));
      expect(scripts).toBeGreaterThanOrEqual(2);
      // On a busy machine, the timer that looks for more messages may fire in between.
      expect(scripts).toBeLessThanOrEqual(3);
    });

    it('takes as many as there are places for, although one asks, and hands the others out without another word', async () => {
      const worker = joinShard(lanes, { places: () => 3 });
      await storeHeads(lanes, 10);
      const [first] = await worker.takeAll(1);
      let others: TakenHere[] = [];
      expect(await scriptsDuring(async () => (others = await worker.takeAll(2)))).toBe(0);
      expect(new Set([first, ...others].map((taken) => taken?.id)).size).toBe(3);
      expect(await scriptsDuring(async () => expect(await worker.take()).toBeUndefined())).toBe(0);
      expect(worker.isFull()).toBe(true);
    });

    it('takes at most eight messages after an idle time, and more soon after that', async () => {
      const worker = joinShard(lanes);
      await storeHeads(lanes, 60);
      expect(await worker.takeAll(30)).toHaveLength(8);
      await worker.untilWork(async () => await new Promise<boolean>(() => {}));
      expect((await worker.takeAll(30)).length).toBeGreaterThanOrEqual(8);
    });

    it('takes more with time, also if all its messages end in the same moment', async () => {
      const worker = joinShard(lanes);
      await storeHeads(lanes, 60);
      const now = performance.now.bind(performance);
      let passedMs = 0;
      vi.spyOn(performance, 'now').mockImplementation(() => now() + passedMs);
      const first = await worker.takeAll(30);
      passedMs = 2 * RAMP_STEP_MS;
      await Promise.all(first.map((taken) => worker.deliver(taken)));
      expect((await worker.takeAll(30)).length).toBeGreaterThan(first.length);
    });

    it('is nothing if the worker has nothing to say', async () => {
      const worker = joinShard(lanes);
      worker.fleet.leave = { waitMs: 1000 };
      await storeHeads(lanes, 1);
      expect(await scriptsDuring(() => worker.take())).toBe(0);
    });
  });

  describe('that an attempt has ended', () => {
    it('is said again until Redis takes it, without the content of the error in the log', async () => {
      const worker = joinShard(lanes);
      const [id = ''] = await storeHeads(lanes, 1);
      const [taken] = await worker.takeAll(1);
      if (!taken) throw new Error('a message is there');
      const refusal = new Error(`OOM command not allowed: ${id} secret`);
      let calls = 0;
      const laneTurn = lanes.redis.laneTurn.bind(lanes.redis);
      vi.spyOn(lanes.redis, 'laneTurn').mockImplementation(async (...args) => {
        // Workers of other tests may still look for messages.
        if (args.includes(id)) calls += 1;
        return await (args.includes(id) && calls <= 2 ? Promise.reject(refusal) : laneTurn(...args));
      });
      expect((await worker.deliver(taken)).result).toEqual({ verdict: 'done', delayMs: 0 });
      expect(calls).toBe(3);
      expect(await lanes.jobOf(id)).toMatchObject({ place: 'ended', why: 'delivered' });
      expect(worker.lines).toHaveLength(1);
      expect(worker.lines.join('')).not.toContain('secret');
    });

    it('is said again alone if Redis refuses it alone', async () => {
      const worker = joinShard(lanes);
      const [bad = '', good = ''] = await storeHeads(lanes, 2);
      const taken = await worker.takeAll(2);
      // What somebody put there.
      const job = `${lanes.sendRoot}${bad}`;
      await lanes.redis.rename(job, `${job}:kept`);
      await lanes.redis.set(job, 'no hash');
      const settled = taken.map((one) => worker.deliver(one));
      await settled[taken.findIndex(({ id }) => id === good)];
      expect(await lanes.jobOf(good)).toMatchObject({ place: 'ended' });
      await eventually('the refusal is told', () => worker.lines.some((line) => line.includes(bad)));
      await lanes.redis.rename(`${job}:kept`, job);
      expect((await Promise.all(settled)).map(({ result }) => result.verdict)).toEqual(['done', 'done']);
      expect(await lanes.lane('c0')).toEqual([]);
    });

    it('is said for all that it was: the message waits as long as it should', async () => {
      const worker = joinShard(lanes);
      await storeHeads(lanes, 1);
      const [taken] = await worker.takeAll(1);
      if (!taken) throw new Error('a message is there');
      const { result, next } = await worker.settle(ended(taken, backoff(5000)), true);
      expect([result, next]).toEqual([{ verdict: 'done', delayMs: 5000 }, undefined]);
    });
  });

  describe('under a limit', () => {
    const takeFirstOf = async (count: number, worker: TestWorker): Promise<TakenHere> => {
      await lanes.rules({ intervalMs: 40 });
      await storeHeads(lanes, count);
      const [first] = await worker.takeAll(1);
      if (!first) throw new Error('a message is there');
      return first;
    };

    it('tells that a message was delivered in the call that takes the next one at its slot', async () => {
      const worker = joinShard(lanes);
      const first = await takeFirstOf(3, worker);
      expect(await scriptsDuring(() => worker.deliver(first))).toBe(1);
      expect(await scriptsDuring(async () => expect(await worker.take()).toMatchObject({ verdict: 'go' }))).toBe(0);
    });

    it('tells it also if nothing may be taken at the slot', async () => {
      const worker = joinShard(lanes);
      const first = await takeFirstOf(3, worker);
      worker.fleet.leave = { waitMs: 60_000 };
      expect((await worker.deliver(first)).result).toEqual({ verdict: 'done', delayMs: 0 });
    });

    it('hears Redis again when a settlement has used its last slot up, and found nothing to take', async () => {
      const worker = joinShard(lanes);
      const first = await takeFirstOf(2, worker);
      await hold(lanes.shard, { reason: 'operator' });
      // The answer comes before the timer of the slot, which it stops.
      vi.spyOn(globalThis, 'setTimeout').mockReturnValue(undefined as unknown as NodeJS.Timeout);
      const waiting = worker.untilWork(async () => await Promise.resolve(true));
      for (const end = performance.now() + 90; performance.now() < end;);
      await worker.settle(ended(first, backoff(5000)), false);
      await expect(waiting).resolves.toBeUndefined();
    });

    it('tells it at once when the worker closes', async () => {
      const worker = joinShard(lanes);
      const first = await takeFirstOf(3, worker);
      const settled = worker.deliver(first);
      await worker.close();
      expect(await lanes.jobOf(first.id)).toMatchObject({ place: 'ended', why: 'delivered' });
      expect((await settled).result.verdict).toBe('done');
    });
  });

  describe('while the API is down', () => {
    it('takes one message as a probe, whatever the limit says', async () => {
      await lanes.rules({ intervalMs: 60_000 });
      const worker = joinShard(lanes);
      await storeHeads(lanes, 3);
      expect(await worker.takeAll(1)).toHaveLength(1);
      worker.fleet.leave = 'probe';
      const [probe] = await worker.takeAll(1);
      expect(probe).toMatchObject({ isProbe: true });
      expect(worker.fleet.givenUp).toBe(0);
    });

    it('lets another one probe if there is nothing to send', async () => {
      const worker = joinShard(lanes);
      worker.fleet.leave = 'probe';
      expect(await worker.take()).toBeUndefined();
      expect(worker.fleet.givenUp).toBe(1);
    });

    it('takes nothing while another one probes, and uses no slot of a limit', async () => {
      await lanes.rules({ intervalMs: 60_000 });
      const worker = joinShard(lanes);
      worker.fleet.leave = 'probe';
      worker.fleet.probe = { waitMs: 500 };
      await storeHeads(lanes, 1);
      for (let n = 0; n < 5; n += 1) expect(await worker.take()).toBeUndefined();
      worker.fleet.leave = 'go';
      expect(await worker.take()).toMatchObject({ verdict: 'go', isProbe: false });
    });
  });

  it('has a place again for a message on which our own code failed; its attempt stays open', async () => {
    const worker = joinShard(lanes, { places: () => 1 });
    const ids = await storeHeads(lanes, 2);
    const [failed] = await worker.takeAll(1);
    expect(await worker.take()).toBeUndefined();
    worker.abandon();
    const [next] = await worker.takeAll(1);
    expect(new Set([failed?.id, next?.id])).toEqual(new Set(ids));
    expect(await lanes.jobOf(failed?.id ?? '')).toMatchObject({ place: 'sending', attempt: failed?.attempt });
  });

  it('tells of a job that is no message, and goes on', async () => {
    const worker = joinShard(lanes);
    const [id] = await storeHeads(lanes, 1);
    await lanes.redis.lpush(`${lanes.sendRoot}wait`, 'by-hand');
    await lanes.redis.hset(`${lanes.sendRoot}by-hand`, 'data', '{}');
    expect((await worker.takeAll(2)).map((taken) => taken.id)).toEqual([id]);
    expect(worker.lines.join('')).toMatch(/"id":"by-hand".*kitechat-sender did not store/);
    expect(await lanes.redis.exists(`${lanes.sendRoot}by-hand`)).toBe(0);
  });
});
