import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { type GateAnswer, writeLimits } from '../../src/shared/lanes/fleet.ts';
import { parseRateLimit } from '../../src/shared/rate-limit.ts';
import type { Evidence } from '../../src/worker/evidence.ts';
import { createFleet, type Fleet, type FleetConfig, type Pause, type RequestFacts } from '../../src/worker/fleet.ts';
import { type SimulatedTime, startSimulatedTime } from '../support/limits/simulated-time.ts';
import { readableLogger } from '../unit/worker/log-lines.ts';

const NAMESPACE = 'fleet';
const KEY = 'key:one';

const works: Evidence = { api: 'ok', key: 'ok' };
const failed: Evidence = { api: 'failed', key: null };
const refused: Evidence = { api: 'ok', key: 'refused' };
const closed: Pause = { apiMs: 0, keyMs: 0 };

describe('the fleet, as a worker sees it', () => {
  let time: SimulatedTime;
  beforeAll(async () => {
    time = await startSimulatedTime();
  });
  beforeEach(async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    await time.begin();
  });
  afterEach(() => vi.useRealTimers());
  afterAll(async () => await time.stop());

  async function pass(ms: number): Promise<void> {
    vi.advanceTimersByTime(ms);
    await time.goTo(time.nowMs() + ms);
  }

  async function join(config: Partial<FleetConfig> = {}): Promise<Fleet & { lines: string[] }> {
    const { logger, lines } = readableLogger();
    const rest = { namespace: NAMESPACE, pageParallelism: 'auto', timeoutMs: 1000 } as const;
    const fleet = createFleet(time.redis, { ...rest, ...config }, logger);
    await fleet.refresh();
    return { ...fleet, lines };
  }

  async function tell(fleet: Fleet, evidence: Evidence, facts: Partial<RequestFacts> = {}): Promise<Pause> {
    const request = { id: 'm', keyCircuit: KEY, isProbe: false, onUnknownOutcome: 'resend' } as const;
    return await fleet.tell({ ...request, ...facts, evidence });
  }

  async function failAll(fleet: Fleet, ids: readonly string[]): Promise<number[]> {
    const pauses: number[] = [];
    for (const id of ids) pauses.push((await tell(fleet, failed, { id })).apiMs);
    return pauses;
  }

  const wordOf = (fleet: Fleet, keyCircuit: string | null = null) => fleet.wordFor(keyCircuit, 'resend');

  describe('its limits', () => {
    it('are those of the variables', async () => {
      const free = await join();
      expect(free.rules()).toEqual({ window: 0, pageLimit: null, limit: null });
      expect(wordOf(free)).toEqual({ verdict: 'go' });
      const limited = await join({ rateLimit: '50/s burst 5', pageRateLimit: '20/s', pageParallelism: 7 });
      const rules = { window: 7, pageLimit: parseRateLimit('20/s'), limit: parseRateLimit('50/s burst 5') };
      expect(limited.rules()).toEqual(rules);
      expect(wordOf(limited)).toEqual({ verdict: 'ask' });
    });

    it('are those that were set at run time, until they are taken back', async () => {
      const fleet = await join({ rateLimit: '50/s', pageRateLimit: '20/s' });
      const set = async (changes: Parameters<typeof writeLimits>[2]) => {
        await writeLimits(time.redis, NAMESPACE, changes);
        const isChanged = [await fleet.refresh(), await fleet.refresh()];
        const { limit, pageLimit } = fleet.rules();
        return [limit?.count ?? null, pageLimit?.count ?? null, ...isChanged];
      };
      expect(await set({ rate: '7/s' })).toEqual([7, 20, true, false]);
      expect(await set({ pageRate: '3/s' })).toEqual([7, 3, true, false]);
      expect(await set({ rate: 'none', pageRate: 'none' })).toEqual([null, null, true, false]);
      expect(wordOf(fleet)).toEqual({ verdict: 'go' });
      expect(await set({ rate: null, pageRate: null })).toEqual([50, 20, true, false]);
      expect(await set({})).toEqual([50, 20, false, false]);
    });

    it('give each that asks a slot', async () => {
      const [fleet, other] = [await join({ rateLimit: '1/min' }), await join({ rateLimit: '1/min' })];
      expect(await fleet.ask(null)).toEqual({ verdict: 'go' });
      expect(await other.ask(KEY)).toEqual({ verdict: 'slot', delayMs: 60_000 });
    });

    it.each<[string, string, number]>([
      ['raised', '1/s', 1000],
      ['given a burst', '1/h burst 3', 3_600_000],
      ['lifted', 'none', 0],
    ])('do not put off by what was reserved before when they are %s', async (_what, text, intervalMs) => {
      const [fleet, other] = [await join({ rateLimit: '1/h' }), await join({ rateLimit: '1/h' })];
      for (let n = 0; n < 10; n += 1) await fleet.ask(null);
      await writeLimits(time.redis, NAMESPACE, { rate: text });
      expect(waitOf(await other.ask(null))).toBeLessThanOrEqual(intervalMs);
      await fleet.refresh();
      expect(waitOf(await fleet.ask(null))).toBeLessThanOrEqual(2 * intervalMs);
    });

    it('of old variables do not put off those who have new ones', async () => {
      const before = await join({ rateLimit: '1/h' });
      for (let n = 0; n < 10; n += 1) await before.ask(null);
      const restarted = await join({ rateLimit: '50/s' });
      expect(waitOf(await restarted.ask(null))).toBeLessThanOrEqual(20);
    });
  });

  describe('when the API is down', () => {
    it('holds everything after five different failures, and says so once', async () => {
      const [fleet, other] = [await join(), await join()];
      expect(await failAll(fleet, ['a', 'b', 'c', 'd', 'e', 'f'])).toEqual([0, 0, 0, 0, 1000, 1000]);
      expect(wordOf(fleet, KEY)).toEqual({ verdict: 'hold', delayMs: 1000 });
      expect(fleet.hasRefusedKeys()).toBe(false);
      expect(fleet.lines.map((line) => (JSON.parse(line) as { level: string }).level)).toHaveLength(1);
      expect(fleet.lines[0]).toContain('the API does not work');
      await pass(400);
      expect(wordOf(fleet)).toEqual({ verdict: 'hold', delayMs: 600 });
      expect(wordOf(other)).toEqual({ verdict: 'go' });
      await other.refresh();
      expect(wordOf(other)).toEqual({ verdict: 'hold', delayMs: 600 });
    });

    it('is not taken in by one message, however often it fails', async () => {
      const fleet = await join();
      for (let n = 0; n < 100; n += 1) expect(await tell(fleet, failed)).toEqual(closed);
      expect(wordOf(fleet)).toEqual({ verdict: 'go' });
    });

    it('adds up what different workers see', async () => {
      const [fleet, other] = [await join(), await join()];
      expect(await failAll(fleet, ['a', 'b', 'c'])).toEqual([0, 0, 0]);
      expect(await failAll(other, ['d', 'e'])).toEqual([0, 1000]);
    });

    it('weighs failures here against successes elsewhere, once they are told', async () => {
      const [fleet, other, third] = [await join(), await join(), await join()];
      for (let n = 0; n < 9; n += 1) await tell(other, works);
      await other.refresh();
      await other.refresh();
      expect(await failAll(fleet, ['a', 'b', 'c', 'd'])).toEqual([0, 0, 0, 0]);
      expect(await failAll(third, ['e', 'f', 'g', 'h'])).toEqual([0, 0, 0, 0]);
      expect(await failAll(await join(), ['i'])).toEqual([1000]);
    });

    it('takes five failures in a row for enough, also among successes elsewhere', async () => {
      const [fleet, other] = [await join(), await join()];
      for (let n = 0; n < 100; n += 1) await tell(other, works);
      await other.refresh();
      expect(await failAll(fleet, ['a', 'b', 'c', 'd'])).toEqual([0, 0, 0, 0]);
      await tell(fleet, works);
      expect(await failAll(fleet, ['e', 'f', 'g', 'h', 'i'])).toEqual([0, 0, 0, 0, 1000]);
    });

    it('sends one probe of the whole fleet, and goes on when it succeeds', async () => {
      const [fleet, other] = [await join(), await join()];
      await failAll(fleet, ['a', 'b', 'c', 'd', 'e']);
      await other.refresh();
      await pass(1000);
      expect([wordOf(fleet), wordOf(other)]).toEqual([{ verdict: 'probe' }, { verdict: 'probe' }]);
      expect([await fleet.ask(null), await other.ask(null)]).toMatchObject([{ verdict: 'probe' }, { verdict: 'hold' }]);
      expect(await tell(other, works)).toEqual(closed);
      expect(await other.ask(null)).toMatchObject({ verdict: 'hold' });
      expect(await tell(fleet, works, { isProbe: true })).toEqual(closed);
      await other.refresh();
      expect([wordOf(fleet), wordOf(other)]).toEqual([{ verdict: 'go' }, { verdict: 'go' }]);
      expect([fleet.lines.at(-1), other.lines.at(-1)].join('')).toMatch(/messages go on.*messages go on/s);
    });

    it('waits twice as long when its probe fails, and lets another one leave when it is not heard of', async () => {
      const fleet = await join();
      await failAll(fleet, ['a', 'b', 'c', 'd', 'e']);
      await pass(1000);
      expect(await fleet.ask(null)).toEqual({ verdict: 'probe' });
      expect((await tell(fleet, failed, { isProbe: true })).apiMs).toBe(2000);
      expect(wordOf(fleet)).toEqual({ verdict: 'hold', delayMs: 2000 });
      await pass(2000);
      expect(await fleet.ask(null)).toEqual({ verdict: 'probe' });
      await pass(2999);
      expect(await fleet.ask(null)).toMatchObject({ verdict: 'hold' });
      await pass(1);
      expect(await fleet.ask(null)).toEqual({ verdict: 'probe' });
    });

    it('forgets the failures of before when it works again: one more is no outage', async () => {
      const [fleet, other] = [await join(), await join()];
      await failAll(fleet, ['a', 'b', 'c', 'd', 'e']);
      await other.refresh();
      await pass(1000);
      expect(await other.ask(null)).toEqual({ verdict: 'probe' });
      await tell(other, works, { isProbe: true });
      for (let n = 0; n < 100; n += 1) await tell(other, works);
      await other.refresh();
      await fleet.refresh();
      expect(await failAll(fleet, ['f'])).toEqual([0]);
    });

    it('learns nothing from what shows nothing', async () => {
      const fleet = await join();
      for (const id of ['a', 'b', 'c', 'd', 'e', 'f']) {
        expect(await tell(fleet, { api: null, key: null }, { id, onUnknownOutcome: 'dead-letter' })).toEqual(closed);
      }
      expect(await time.redis.keys('*fleet*')).toEqual([]);
    });
  });

  describe('where an unknown outcome ends a message', () => {
    const precious = { onUnknownOutcome: 'dead-letter' } as const;

    it('holds what is precious at the first failure, and opens if no success comes', async () => {
      const fleet = await join();
      const told = tell(fleet, failed, precious);
      expect(fleet.wordFor(null, 'dead-letter')).toEqual({ verdict: 'hold', delayMs: 100 });
      expect(wordOf(fleet)).toEqual({ verdict: 'go' });
      expect((await told).apiMs).toBe(1000);
      expect(wordOf(fleet)).toEqual({ verdict: 'hold', delayMs: 1000 });
    });

    it('goes on at once when a success comes', async () => {
      const fleet = await join();
      const told = Promise.all([tell(fleet, failed, precious), tell(fleet, failed, { ...precious, id: 'b' })]);
      await tell(fleet, works);
      expect(await told).toEqual([closed, closed]);
      expect(fleet.wordFor(null, 'dead-letter')).toEqual({ verdict: 'go' });
    });

    it('needs no such time for a probe', async () => {
      const [fleet, other] = [await join(), await join()];
      await failAll(other, ['a', 'b', 'c', 'd', 'e']);
      await fleet.refresh();
      const told = tell(fleet, failed, { ...precious, isProbe: true });
      expect(fleet.wordFor(null, 'dead-letter')).toEqual({ verdict: 'hold', delayMs: 1000 });
      expect((await told).apiMs).toBe(2000);
    });
  });

  describe('when a key is refused', () => {
    it('holds the messages with that key in all workers, and no others', async () => {
      const [fleet, other] = [await join(), await join()];
      expect(await tell(fleet, refused)).toEqual({ apiMs: 0, keyMs: 1000 });
      await other.refresh();
      for (const worker of [fleet, other]) {
        expect(worker.hasRefusedKeys()).toBe(true);
        expect(wordOf(worker, KEY)).toEqual({ verdict: 'hold', delayMs: 1000 });
        expect([wordOf(worker, 'key:two'), wordOf(worker)]).toEqual([{ verdict: 'go' }, { verdict: 'go' }]);
        expect([await worker.ask('key:two'), await worker.ask(null)]).toEqual([{ verdict: 'go' }, { verdict: 'go' }]);
      }
      expect(fleet.lines.join('')).toMatch(/^.*"circuit":"key:one".*the API refuses a key.*\n$/);
    });

    it('tries the key with one probe at a time, up to half a minute apart, until it is let in', async () => {
      const fleet = await join();
      let { keyMs } = await tell(fleet, refused);
      const pauses = [keyMs];
      for (let n = 0; n < 6; n += 1) {
        await pass(keyMs);
        expect(wordOf(fleet, KEY)).toEqual({ verdict: 'probe' });
        expect([await fleet.ask(KEY), await fleet.ask(KEY)]).toMatchObject([{ verdict: 'probe' }, { verdict: 'hold' }]);
        ({ keyMs } = await tell(fleet, refused, { isProbe: true }));
        pauses.push(keyMs);
      }
      expect(pauses).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
      await pass(keyMs);
      expect(await fleet.ask(KEY)).toEqual({ verdict: 'probe' });
      expect(await tell(fleet, works, { isProbe: true })).toEqual(closed);
      expect([wordOf(fleet, KEY), fleet.hasRefusedKeys()]).toEqual([{ verdict: 'go' }, false]);
    });

    it('stays so for requests that went well before', async () => {
      const fleet = await join();
      await tell(fleet, refused);
      expect(await tell(fleet, works)).toEqual(closed);
      expect(wordOf(fleet, KEY)).toMatchObject({ verdict: 'hold' });
    });

    it('waits for the API, too, when that is down', async () => {
      const fleet = await join();
      await tell(fleet, refused);
      await pass(500);
      await failAll(fleet, ['a', 'b', 'c', 'd', 'e']);
      expect(wordOf(fleet, KEY)).toEqual({ verdict: 'hold', delayMs: 1000 });
      await pass(1000);
      expect(await fleet.ask(KEY)).toEqual({ verdict: 'probe' });
      expect(await tell(fleet, refused, { isProbe: true })).toEqual({ apiMs: 0, keyMs: 2000 });
      expect([wordOf(fleet), wordOf(fleet, KEY)]).toEqual([{ verdict: 'go' }, { verdict: 'hold', delayMs: 2000 }]);
    });
  });
});

function waitOf(answer: GateAnswer): number {
  return 'delayMs' in answer ? answer.delayMs : 0;
}
