import { describe, expect, it } from 'vitest';
import {
  createFleet,
  type Evidence,
  type Fleet,
  type Leave,
  type Pause,
  type RequestFacts,
} from '../../src/worker/fleet/fleet-view.ts';
import { readableLogger } from '../unit/worker/log-lines.ts';
import { useSimulatedTime } from '../support/limits/simulated-time.ts';

const NAMESPACE = 'fleet';
const KEY = 'key:one';

const works: Evidence = { api: 'ok', key: 'ok' };
const failed: Evidence = { api: 'failed', key: null };
const refused: Evidence = { api: 'ok', key: 'refused' };
/** For some time. */
const WAIT = { waitMs: expect.any(Number) as number };

const closed: Pause = { apiMs: 0, keyMs: 0 };
/** A worker looks anew at what keeps it waiting. */
const LOOK_MS = 500;

describe('the fleet, as a worker sees it', () => {
  const time = useSimulatedTime({ withPerformance: true });

  async function join(): Promise<Fleet & { lines: string[] }> {
    const { logger, lines } = readableLogger();
    const fleet = createFleet(time.redis, { namespace: NAMESPACE, timeoutMs: 1000 }, logger);
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

  /** Whether a message with this key may leave. */
  function leaveOf(fleet: Fleet, keyCircuit?: string): Leave {
    const leave = fleet.leave();
    return leave === 'go' && keyCircuit !== undefined ? fleet.leaveFor(keyCircuit) : leave;
  }

  describe('when the API is down', () => {
    it('holds everything after five different failures, and says so once', async () => {
      const [fleet, other] = [await join(), await join()];
      expect(await failAll(fleet, ['a', 'b', 'c', 'd', 'e', 'f'])).toEqual([0, 0, 0, 0, 1000, 1000]);
      expect(leaveOf(fleet, KEY)).toEqual({ waitMs: LOOK_MS });
      expect(fleet.hasRefusedKeys()).toBe(false);
      expect(fleet.lines.map((line) => (JSON.parse(line) as { level: string }).level)).toHaveLength(1);
      expect(fleet.lines[0]).toContain('the API does not work');
      await time.pass(400);
      expect(leaveOf(fleet)).toEqual({ waitMs: LOOK_MS });
      expect(leaveOf(other)).toBe('go');
      await other.refresh();
      await time.pass(300);
      expect([leaveOf(fleet), leaveOf(other)]).toEqual([{ waitMs: 300 }, { waitMs: 300 }]);
    });

    it('is not taken in by one message, however often it fails', async () => {
      const fleet = await join();
      for (let n = 0; n < 100; n += 1) expect(await tell(fleet, failed)).toEqual(closed);
      expect(leaveOf(fleet)).toBe('go');
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

    it('is not taken in by failures that are heard of before the successes of the same moment', async () => {
      const fleet = await join();
      for (let n = 0; n < 100; n += 1) await tell(fleet, works);
      const told = Promise.all(['a', 'b', 'c', 'd', 'e', 'f'].map((id) => tell(fleet, failed, { id })));
      await tell(fleet, works);
      expect(await told).toEqual(Array.from({ length: 6 }, () => closed));
      expect(leaveOf(fleet)).toBe('go');
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
      await time.pass(1000);
      expect([leaveOf(fleet), leaveOf(other)]).toEqual(['probe', 'probe']);
      expect([await fleet.askToProbe(), await other.askToProbe()]).toEqual(['probe', WAIT]);
      expect(await tell(other, works)).toEqual(closed);
      expect(await other.askToProbe()).toEqual(WAIT);
      expect(await tell(fleet, works, { isProbe: true })).toEqual(closed);
      await other.refresh();
      expect([leaveOf(fleet), leaveOf(other)]).toEqual(['go', 'go']);
      expect([fleet.lines.at(-1), other.lines.at(-1)].join('')).toMatch(/messages go on.*messages go on/s);
    });

    it('waits twice as long when its probe fails, and lets another one leave when it is not heard of', async () => {
      const fleet = await join();
      await failAll(fleet, ['a', 'b', 'c', 'd', 'e']);
      await time.pass(1000);
      expect(await fleet.askToProbe()).toBe('probe');
      expect((await tell(fleet, failed, { isProbe: true })).apiMs).toBe(2000);
      expect(leaveOf(fleet)).toEqual({ waitMs: LOOK_MS });
      await time.pass(2000);
      expect(await fleet.askToProbe()).toBe('probe');
      await time.pass(2999);
      expect(await fleet.askToProbe()).toEqual(WAIT);
      await time.pass(1);
      expect(await fleet.askToProbe()).toBe('probe');
    });

    it('forgets the failures of before when it works again: one more is no outage', async () => {
      const [fleet, other] = [await join(), await join()];
      await failAll(fleet, ['a', 'b', 'c', 'd', 'e']);
      await other.refresh();
      await time.pass(1000);
      expect(await other.askToProbe()).toBe('probe');
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

    it('holds everything at the first failure, and opens if no success comes', async () => {
      const fleet = await join();
      const told = tell(fleet, failed, precious);
      expect(leaveOf(fleet)).toEqual({ waitMs: 100 });
      expect((await told).apiMs).toBe(1000);
      expect(leaveOf(fleet)).toEqual({ waitMs: LOOK_MS });
    });

    it('goes on at once when a success comes', async () => {
      const fleet = await join();
      const told = Promise.all([tell(fleet, failed, precious), tell(fleet, failed, { ...precious, id: 'b' })]);
      await tell(fleet, works);
      expect(await told).toEqual([closed, closed]);
      expect(leaveOf(fleet)).toBe('go');
    });

    it('needs no such time for a probe', async () => {
      const [fleet, other] = [await join(), await join()];
      await failAll(other, ['a', 'b', 'c', 'd', 'e']);
      await fleet.refresh();
      const told = tell(fleet, failed, { ...precious, isProbe: true });
      expect(leaveOf(fleet)).toEqual({ waitMs: LOOK_MS });
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
        expect(leaveOf(worker, KEY)).toEqual({ waitMs: LOOK_MS });
        expect([leaveOf(worker, 'key:two'), leaveOf(worker)]).toEqual(['go', 'go']);
        expect([await worker.askToProbe('key:two'), await worker.askToProbe()]).toEqual(['go', 'go']);
      }
      expect(fleet.lines.join('')).toMatch(/^.*"circuit":"key:one".*the API refuses a key.*\n$/);
    });

    it('tries the key with one probe at a time, up to half a minute apart, until it is let in', async () => {
      const fleet = await join();
      let { keyMs } = await tell(fleet, refused);
      const pauses = [keyMs];
      for (let n = 0; n < 6; n += 1) {
        await time.pass(keyMs);
        expect(leaveOf(fleet, KEY)).toBe('probe');
        expect([await fleet.askToProbe(KEY), await fleet.askToProbe(KEY)]).toEqual(['probe', WAIT]);
        ({ keyMs } = await tell(fleet, refused, { isProbe: true }));
        pauses.push(keyMs);
      }
      expect(pauses).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
      await time.pass(keyMs);
      expect(await fleet.askToProbe(KEY)).toBe('probe');
      expect(await tell(fleet, works, { isProbe: true })).toEqual(closed);
      expect([leaveOf(fleet, KEY), fleet.hasRefusedKeys()]).toEqual(['go', false]);
    });

    it('stays so for requests that went well before', async () => {
      const fleet = await join();
      await tell(fleet, refused);
      expect(await tell(fleet, works)).toEqual(closed);
      expect(leaveOf(fleet, KEY)).toEqual(WAIT);
    });

    it('waits for the API, too, when that is down', async () => {
      const fleet = await join();
      await tell(fleet, refused);
      await time.pass(500);
      await failAll(fleet, ['a', 'b', 'c', 'd', 'e']);
      expect(leaveOf(fleet, KEY)).toEqual({ waitMs: LOOK_MS });
      await time.pass(1000);
      expect([await fleet.askToProbe(), await fleet.askToProbe(KEY)]).toEqual(['probe', 'probe']);
      expect(await tell(fleet, refused, { isProbe: true })).toEqual({ apiMs: 0, keyMs: 2000 });
      expect([leaveOf(fleet), leaveOf(fleet, KEY)]).toEqual(['go', { waitMs: LOOK_MS }]);
    });
  });
});
