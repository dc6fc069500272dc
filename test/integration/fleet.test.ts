import { describe, expect, it, vi } from 'vitest';
import { ABOUT_ITSELF } from '../../src/worker/fleet/told.ts';
import {
  conversations,
  fails,
  KEY,
  limited,
  type Member,
  nothing,
  rejected,
  triedBefore,
  useFleet,
  works,
} from '../support/fleet-members.ts';

/** For some time. */
const WAIT = { waitMs: expect.any(Number) as number };
/** A worker looks anew at what keeps it waiting. */
const LOOK_MS = 500;
const DOWN = 'failing api';

describe('the fleet, as a worker sees it,', () => {
  const { time, join } = useFleet();

  /** Opens the circuit of the API. */
  async function breakFor(fleet: Member): Promise<void> {
    await fleet.toldOfAll(fails, conversations(5));
    expect(fleet.apiProbes()).toEqual([DOWN]);
  }

  /** Takes a message as a probe of the API. */
  async function probe(fleet: Member): Promise<{ probes: string[] }> {
    expect(await fleet.askToProbe()).toBe('probe');
    return { probes: fleet.apiProbes() };
  }

  it('waits before it asks for a probe again if Redis refuses to answer, and says so once', async () => {
    const fleet = await join();
    await breakFor(fleet);
    await time.pass(1000);
    const said = fleet.lines.length;
    const asking = vi.spyOn(time.redis, 'fleetGate');
    asking.mockRejectedValue(Object.assign(new Error('OOM no memory'), { name: 'ReplyError' }));
    for (let n = 0; n < 3; n += 1) {
      expect(await fleet.askToProbe()).toEqual(WAIT);
      expect(fleet.leave()).toEqual(WAIT);
      await time.pass(LOOK_MS);
    }
    asking.mockRestore();
    expect(fleet.lines).toHaveLength(said + 1);
    await probe(fleet);
  });

  describe('when the API is down', () => {
    it('holds everything after five different conversations, and says so once', async () => {
      const [fleet, other] = [await join(), await join()];
      expect(await fleet.toldOfAll(fails, conversations(4))).toEqual(conversations(4).map(() => 'conversation'));
      expect(fleet.isAnythingOpen()).toBe(false);
      expect(await fleet.told(fails)).toEqual({ ...ABOUT_ITSELF, scope: 'api', delayMs: 1000 });
      await time.pass(100);
      expect(await fleet.told(fails, { conversationId: 'another' })).toMatchObject({ scope: 'api', delayMs: 900 });
      expect([fleet.leave(), fleet.isAnythingOpen()]).toEqual([{ waitMs: LOOK_MS }, true]);
      expect(fleet.lines).toHaveLength(1);
      expect(fleet.lines[0]).toMatch(/"conversations":5.*the API does not work/);
      expect(other.leave()).toBe('go');
      await other.refresh();
      await time.pass(600);
      expect([fleet.leave(), other.leave()]).toEqual([{ waitMs: 300 }, { waitMs: 300 }]);
    });

    it('is not taken in by one conversation, however often it fails', async () => {
      const fleet = await join();
      for (let n = 0; n < 100; n += 1) expect(await fleet.told(fails)).toEqual(ABOUT_ITSELF);
      expect(fleet.leave()).toBe('go');
    });

    it('adds up what different workers see', async () => {
      const [fleet, other] = [await join(), await join()];
      await fleet.toldOfAll(fails, ['a', 'b', 'c']);
      expect(await other.toldOfAll(fails, ['d', 'e'])).toEqual(['conversation', 'api']);
    });

    it('counts anew after a success, also of another worker that has told of it', async () => {
      const [fleet, other] = [await join(), await join()];
      await fleet.toldOfAll(fails, conversations(4));
      await time.pass(10);
      await other.told(works, { pageId: 'p2' });
      await other.refresh();
      await time.pass(10);
      expect(await fleet.toldOfAll(fails, conversations(4, 'd'))).not.toContain('api');
      expect((await fleet.told(fails, { conversationId: 'e' })).scope).toBe('page');
    });

    it('takes an answer that accepts nothing for a sign that the API is not down', async () => {
      const fleet = await join();
      await fleet.toldOfAll(fails, conversations(4));
      await time.pass(10);
      await fleet.told(rejected, { pageId: 'p2' });
      await time.pass(10);
      expect((await fleet.told(fails)).scope).not.toBe('api');
    });

    it('is not taken in by failures that are heard of before the successes of the same moment', async () => {
      const fleet = await join();
      const told = Promise.all(
        conversations(8).map(async (conversationId) => await fleet.told(fails, { conversationId })),
      );
      await fleet.told(works);
      expect(await told).toEqual(conversations(8).map(() => ABOUT_ITSELF));
      expect(fleet.leave()).toBe('go');
    });

    it('blames messages that fail again while others succeed', async () => {
      const fleet = await join();
      await fleet.told(works);
      await time.pass(50);
      const history = () => [triedBefore('unknown', 2000)];
      expect(await fleet.toldOfAll(fails, conversations(10), { history })).toEqual(
        conversations(10).map(() => 'conversation'),
      );
    });

    it('sends one probe of the whole fleet, and goes on when it succeeds', async () => {
      const [fleet, other] = [await join(), await join()];
      await breakFor(fleet);
      await other.refresh();
      await time.pass(1000);
      expect([fleet.leave(), other.leave()]).toEqual(['probe', 'probe']);
      const probing = await probe(fleet);
      expect(await other.askToProbe()).toEqual(WAIT);
      // It began before the worker knew.
      expect(await other.told(works, { beganAt: performance.now() - 2000 })).toEqual(ABOUT_ITSELF);
      expect(await other.askToProbe()).toEqual(WAIT);
      expect(await fleet.told(works, probing)).toEqual(ABOUT_ITSELF);
      await other.refresh();
      expect([fleet.leave(), other.leave()]).toEqual(['go', 'go']);
      expect([fleet.lines.at(-1), other.lines.at(-1)].join('')).toMatch(/messages go on.*messages go on/s);
    });

    it.each([
      ['a limit', limited],
      ['a rejection', rejected],
    ])('goes on when its probe is answered with %s', async (_what, answer) => {
      const fleet = await join();
      await breakFor(fleet);
      await time.pass(1000);
      await fleet.told(answer, await probe(fleet));
      expect(fleet.leave()).toBe('go');
    });

    it('waits twice as long when its probe fails, and lets another one leave when it is not heard of', async () => {
      const fleet = await join();
      await breakFor(fleet);
      await time.pass(1000);
      expect(await fleet.told(fails, await probe(fleet))).toMatchObject({ scope: 'api', delayMs: 2000 });
      expect(fleet.leave()).toEqual({ waitMs: LOOK_MS });
      await time.pass(2000);
      await probe(fleet);
      await time.pass(2999);
      expect(await fleet.askToProbe()).toEqual(WAIT);
      await time.pass(1);
      await probe(fleet);
    });

    it('lets another message probe at once when its probe has shown nothing', async () => {
      const fleet = await join();
      await breakFor(fleet);
      await time.pass(1000);
      expect(await fleet.told(nothing, await probe(fleet))).toEqual(ABOUT_ITSELF);
      await fleet.giveUp((await probe(fleet)).probes);
      await probe(fleet);
    });

    it('forgets the failures of before when it works again: one more is no outage', async () => {
      const [fleet, other] = [await join(), await join()];
      await breakFor(fleet);
      await other.refresh();
      await time.pass(1000);
      await other.told(works, await probe(other));
      await other.refresh();
      await time.pass(1);
      await fleet.refresh();
      expect(await fleet.told(fails, { conversationId: 'f' })).toEqual(ABOUT_ITSELF);
    });

    it('learns nothing from what shows nothing', async () => {
      const fleet = await join();
      for (const conversationId of conversations(6)) {
        expect(await fleet.told(nothing, { conversationId, isPrecious: true })).toEqual(ABOUT_ITSELF);
      }
      expect(await time.redis.keys('*fleet*')).toEqual([]);
    });
  });

  describe('when only a page fails', () => {
    /** Page p2 works, and nothing works for p1. */
    async function breakPage(fleet: Member): Promise<void> {
      await fleet.told(works, { pageId: 'p2' });
      await time.pass(1);
      expect((await fleet.toldOfAll(fails, conversations(5))).at(-1)).toBe('page');
    }

    it('holds its messages in all workers, and no others', async () => {
      const [fleet, other] = [await join(), await join()];
      await breakPage(fleet);
      await other.refresh();
      for (const worker of [fleet, other]) {
        expect([worker.leave(), worker.isAnythingOpen()]).toEqual(['go', true]);
        expect(await worker.admitted('p1')).toMatchObject({ kind: 'hold', delayMs: 1000, isSlot: false });
        expect(await worker.admitted('p2')).toEqual({ kind: 'go' });
      }
    });

    it('lets messages that have failed before go on by themselves, and a fresh one probe the page', async () => {
      const fleet = await join();
      await breakPage(fleet);
      expect(await fleet.admitted('p1', KEY, { wasTried: true, hasFailed: true })).toEqual({ kind: 'go' });
      await time.pass(1000);
      expect(await fleet.admitted('p1', KEY, { wasTried: true })).toMatchObject({ kind: 'hold' });
      const probes = ['failing page:p1'];
      expect(await fleet.admitted('p1')).toEqual({ kind: 'probe', fields: probes });
      expect(await fleet.told(fails, { probes })).toMatchObject({ scope: 'page', delayMs: 2000 });
      await time.pass(2000);
      expect(await fleet.admitted('p1')).toEqual({ kind: 'probe', fields: probes });
      await fleet.told(works, { probes });
      expect([await fleet.admitted('p1'), fleet.isAnythingOpen()]).toEqual([{ kind: 'go' }, false]);
    });

    it('goes on when any message of the page succeeds that began since', async () => {
      const fleet = await join();
      await breakPage(fleet);
      await fleet.told(works, { pageId: 'p2' });
      expect(fleet.isAnythingOpen()).toBe(true);
      await fleet.told(works, { beganAt: performance.now() - 1 });
      expect(fleet.isAnythingOpen()).toBe(true);
      await fleet.told(works);
      expect(fleet.isAnythingOpen()).toBe(false);
    });

    it('forgets the page when no message of it has asked to be a probe for ten minutes: all may be in backoff', async () => {
      const fleet = await join();
      await breakPage(fleet);
      await time.pass(601_000);
      await fleet.refresh();
      expect(fleet.isAnythingOpen()).toBe(true);
      await time.pass(1);
      await fleet.refresh();
      expect(fleet.isAnythingOpen()).toBe(false);
    });
  });

  describe('where an unknown outcome ends a message', () => {
    const precious = { isPrecious: true } as const;

    it('holds everything at the first failure, and opens if no success comes', async () => {
      const fleet = await join();
      const told = fleet.told(fails, precious);
      await expect.poll(() => fleet.leave(), { interval: 1 }).toEqual({ waitMs: 100 });
      expect(await told).toMatchObject({ scope: 'api', delayMs: 1000 });
      expect(fleet.leave()).toEqual({ waitMs: LOOK_MS });
    });

    it('goes on at once when a success comes', async () => {
      const fleet = await join();
      const told = Promise.all(['a', 'b'].map((conversationId) => fleet.told(fails, { ...precious, conversationId })));
      await expect.poll(() => fleet.leave(), { interval: 1 }).toEqual({ waitMs: 100 });
      await fleet.told(works);
      expect(await told).toEqual([ABOUT_ITSELF, ABOUT_ITSELF]);
      expect(fleet.leave()).toBe('go');
    });

    it('needs no such time for a probe', async () => {
      const fleet = await join();
      await breakFor(fleet);
      await time.pass(1000);
      const told = fleet.told(fails, { ...precious, ...(await probe(fleet)) });
      expect(fleet.leave()).toEqual('probe');
      expect(await told).toMatchObject({ delayMs: 2000 });
    });
  });
});
