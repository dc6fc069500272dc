import { describe, expect, it } from 'vitest';
import { readCircuits } from '../../src/shared/lanes/fleet/circuits.ts';
import { describeHolds, type Hold } from '../../src/shared/reading/holds.ts';
import { ABOUT_ITSELF } from '../../src/worker/fleet/told.ts';
import {
  conversations,
  forbidden,
  KEY,
  type Member,
  triedBefore,
  unauthorized,
  useFleet,
  withoutKey,
  works,
} from '../support/fleet-members.ts';

const REFUSED = 'unauthorized key:one';
const OTHER_KEY = 'key:two';

describe('the fleet and its keys', () => {
  const { time, join, namespace } = useFleet();

  async function holds(): Promise<Hold[]> {
    return describeHolds([], await readCircuits(time.redis, namespace));
  }

  describe('when a key is refused with 401', () => {
    it('holds the messages with that key at once, in all workers, and no others', async () => {
      const [fleet, other] = [await join(), await join()];
      expect(await fleet.told(unauthorized)).toEqual({ ...ABOUT_ITSELF, scope: 'key', delayMs: 1000 });
      await other.refresh();
      for (const worker of [fleet, other]) {
        expect([worker.leave(), worker.isAnythingOpen()]).toEqual(['go', true]);
        expect(await worker.admitted('p1')).toEqual({ kind: 'hold', delayMs: 1000, isSlot: false });
        expect(await worker.admitted('p2', OTHER_KEY)).toEqual({ kind: 'go' });
      }
      expect(fleet.lines).toHaveLength(1);
      expect(fleet.lines[0]).toMatch(/"circuit":"unauthorized key:one".*the API refuses a key/);
    });

    it('is shown with its source and the pages that wait for it', async () => {
      const [fleet, other] = [await join(), await join()];
      await fleet.told(unauthorized);
      await other.refresh();
      for (const page of ['p3', 'p2', 'p3']) await other.admitted(page);
      await other.admitted('p9', OTHER_KEY);
      for (const worker of [fleet, other]) await worker.refresh();
      const [hold] = await holds();
      expect(hold).toMatchObject({
        scope: 'key',
        key: 'one',
        reason: 'unauthorized',
        keySource: 'the variable for p1',
      });
      expect(hold?.evidence).toMatch(/^HTTP 401/);
      expect([hold?.pages, hold?.pageCount]).toEqual([['p1', 'p2', 'p3'], 3]);
      expect(Date.parse(hold?.until ?? '')).toBe(time.nowMs() + 1000);
    });

    it('tries the key with one probe at a time, up to half a minute apart, until it is let in', async () => {
      const fleet = await join();
      let { delayMs } = await fleet.told(unauthorized);
      const pauses = [delayMs];
      for (let n = 0; n < 6; n += 1) {
        await time.pass(delayMs);
        expect(await fleet.admitted('p1')).toEqual({ kind: 'probe', fields: [REFUSED] });
        expect(await fleet.admitted('p2')).toMatchObject({ kind: 'hold', delayMs: 1000 });
        ({ delayMs } = await fleet.told(unauthorized, { probes: [REFUSED] }));
        pauses.push(delayMs);
      }
      expect(pauses).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
      await time.pass(delayMs);
      const probe = await fleet.admitted('p1');
      await fleet.told(works, { probes: 'fields' in probe ? probe.fields : [] });
      expect([await fleet.admitted('p2'), fleet.isAnythingOpen(), await holds()]).toEqual([{ kind: 'go' }, false, []]);
    });

    it('goes by no success of a request that was under way', async () => {
      const fleet = await join();
      await fleet.told(unauthorized);
      await fleet.told(works, { beganAt: performance.now() - 1 });
      expect(await fleet.admitted('p1')).toMatchObject({ kind: 'hold' });
    });

    it('holds the fresh messages of its pages no longer because of a probe that was tried before', async () => {
      const fleet = await join();
      await fleet.told(unauthorized);
      await time.pass(4000);
      expect(await fleet.admitted('p1', KEY, { wasTried: true })).toEqual({ kind: 'probe', fields: [REFUSED] });
      const history = () => [triedBefore('held', 4000, 401)];
      await fleet.told(unauthorized, { probes: [REFUSED], history });
      await time.pass(1);
      expect(await fleet.admitted('p1')).toEqual({ kind: 'probe', fields: [REFUSED] });
      await fleet.giveUp([REFUSED]);
      expect(await fleet.admitted('p1', KEY, { wasTried: true })).toMatchObject({ kind: 'hold' });
      await time.pass(1999);
      await fleet.refresh();
      expect(await fleet.admitted('p1', KEY, { wasTried: true })).toMatchObject({ kind: 'probe' });
    });

    it('stays, with its next probe, as long as a message that was tried waits for it', async () => {
      const fleet = await join();
      await fleet.told(unauthorized);
      const since = (await holds())[0]?.since;
      const probedAtS: number[] = [];
      const startedAt = time.nowMs();
      for (let second = 1; second <= 150; second += 1) {
        await time.pass(1000);
        await fleet.refresh();
        expect((await holds())[0]?.since).toBe(since);
        const admission = await fleet.admitted('p1', KEY, { wasTried: true });
        if (admission.kind !== 'probe') continue;
        probedAtS.push((time.nowMs() - startedAt) / 1000);
        await fleet.told(unauthorized, { probes: admission.fields, history: () => [triedBefore('held', 4000, 401)] });
      }
      expect(probedAtS).toEqual([4, 6, 10, 18, 34, 64, 94, 124]);
    });

    it('ends when its last page has been sent to with another key', async () => {
      const fleet = await join();
      await fleet.told(unauthorized);
      await fleet.admitted('p2');
      await fleet.told(works, { key: OTHER_KEY });
      expect(await holds()).toHaveLength(1);
      await fleet.told(works, { key: OTHER_KEY, pageId: 'p2' });
      expect(await holds()).toEqual([]);
    });
  });

  describe('when messages are refused with 403', () => {
    /** A conversation that was refused before, so long ago. */
    const refusedBefore = (msAgo: number, times = 1) => ({
      conversationId: 'blocked',
      history: () => Array.from({ length: times }, (_, n) => triedBefore('held', msAgo - n, 403)),
    });

    it('lets a message wait at first: nobody knows what is refused', async () => {
      const fleet = await join();
      await fleet.told(works);
      expect(await fleet.told(forbidden)).toEqual(ABOUT_ITSELF);
      expect(fleet.isAnythingOpen()).toBe(false);
    });

    it('knows that the recipient is refused when the key has worked for others since', async () => {
      const [fleet, other] = [await join(), await join()];
      await other.told(works, { conversationId: 'calm' });
      await other.refresh();
      const told = await fleet.told(forbidden, refusedBefore(5000));
      expect(told).toEqual({ ...ABOUT_ITSELF, isRecipientRefused: true });
      // The next message to this recipient need not wait.
      expect(await other.told(forbidden, { conversationId: 'blocked' })).toMatchObject({ isRecipientRefused: true });
      expect(await other.told(forbidden, { conversationId: 'calm' })).toMatchObject({ isRecipientRefused: false });
    });

    it('knows nothing from a success of another key', async () => {
      const fleet = await join();
      await fleet.told(works, { key: OTHER_KEY });
      expect(await fleet.told(forbidden, refusedBefore(5000))).toMatchObject({ isRecipientRefused: false });
    });

    it('believes it after three refusals if the key worked just before the first', async () => {
      const fleet = await join();
      await fleet.told(works, { conversationId: 'calm' });
      await time.pass(9000);
      expect(await fleet.told(forbidden, refusedBefore(3000, 1))).toMatchObject({ isRecipientRefused: false });
      expect(await fleet.told(forbidden, refusedBefore(1000, 2))).toMatchObject({ isRecipientRefused: false });
      expect(await fleet.told(forbidden, refusedBefore(3000, 2))).toMatchObject({ isRecipientRefused: true });
    });

    it('holds the key when 50 conversations of two pages are refused at once', async () => {
      const fleet = await join();
      await fleet.told(works, { pageId: 'p3', key: OTHER_KEY });
      expect(await fleet.toldOfAll(forbidden, conversations(25))).not.toContain('key');
      const scopes = await fleet.toldOfAll(forbidden, conversations(25), { pageId: 'p2' });
      expect([scopes.indexOf('key'), scopes.lastIndexOf('conversation')]).toEqual([24, 23]);
      expect(await fleet.admitted('p3', OTHER_KEY)).toEqual({ kind: 'go' });
      expect(await fleet.admitted('p7')).toMatchObject({ kind: 'hold' });
    });

    it('names only pages of the key that it holds', async () => {
      const fleet = await join();
      await fleet.told(works, { pageId: 'p3', key: OTHER_KEY });
      await fleet.told(forbidden, { pageId: 'p9', key: OTHER_KEY });
      await fleet.toldOfAll(forbidden, conversations(25));
      await fleet.toldOfAll(forbidden, conversations(25), { pageId: 'p2' });
      expect((await holds())[0]?.pages).toEqual(['p1', 'p2']);
    });

    it('holds the page when three of it are refused for five seconds, and another page worked before', async () => {
      const fleet = await join();
      await fleet.told(works, { pageId: 'p2' });
      await time.pass(1);
      await fleet.toldOfAll(forbidden, ['a', 'b', 'blocked']);
      await time.pass(5000);
      const told = await fleet.told(forbidden, refusedBefore(5000));
      expect(told).toMatchObject({ scope: 'page', delayMs: 1000, isRecipientRefused: false });
      expect(await holds()).toMatchObject([
        { scope: 'page', page: 'p1', reason: 'unauthorized', evidence: 'HTTP 403 from 3 conversations of page p1' },
      ]);
    });

    it('goes on with any success of what is held, also of a request that was under way', async () => {
      const fleet = await join();
      await fleet.toldOfAll(forbidden, conversations(50));
      expect(await fleet.admitted('p1')).toMatchObject({ kind: 'hold' });
      await fleet.told(works, { beganAt: performance.now() - 5000 });
      expect([await fleet.admitted('p1'), fleet.isAnythingOpen()]).toEqual([{ kind: 'go' }, false]);
    });
  });

  describe('when a page has no key', () => {
    const noKey = { key: null } as const;

    async function expectNoKey(fleet: Member): Promise<void> {
      expect(await fleet.told(withoutKey, noKey)).toMatchObject({ scope: 'page', isPaced: false });
    }

    it('shows the hold of the page until the page has one, and logs it once', async () => {
      const fleet = await join();
      for (let n = 0; n < 5; n += 1) {
        await expectNoKey(fleet);
        await time.pass(1500);
      }
      expect(fleet.lines).toHaveLength(1);
      expect(fleet.lines[0]).toMatch(/"page":"p1".*there is no API key for a page/);
      expect(await holds()).toMatchObject([
        { scope: 'page', page: 'p1', reason: 'unauthorized', evidence: 'no API key' },
      ]);
      await fleet.told(works, { pageId: 'p2' });
      expect(await holds()).toHaveLength(1);
      await fleet.told(works);
      expect(await holds()).toEqual([]);
    });
  });
});
