import { describe, expect, it } from 'vitest';
import { readCircuits } from '../../src/shared/lanes/fleet/circuits.ts';
import { describeHolds, type Hold } from '../../src/shared/reading/holds.ts';
import { ABOUT_ITSELF } from '../../src/worker/fleet/told.ts';
import { conversations, limited, type Member, rejected, useFleet, works } from '../support/fleet-members.ts';

const ALONE = 'conversation';

describe('the fleet and what the API refuses', () => {
  const { time, join, namespace } = useFleet();

  async function holds(): Promise<Hold[]> {
    return describeHolds([], await readCircuits(time.redis, namespace));
  }

  describe('at a limit', () => {
    const slot = (delayMs: number) => ({ kind: 'hold', delayMs, isSlot: true }) as const;
    const limitPage = async (fleet: Member): Promise<void> =>
      expect(await fleet.toldOfAll(limited, ['a', 'b', 'c'])).toEqual([ALONE, ALONE, 'page']);

    it('leaves it to one conversation, or two, that the API asks to wait', async () => {
      const fleet = await join();
      for (let n = 0; n < 20; n += 1) expect(await fleet.told(limited)).toEqual(ABOUT_ITSELF);
      expect(await fleet.told(limited, { conversationId: 'another' })).toEqual(ABOUT_ITSELF);
      expect([fleet.isAnythingOpen(), await holds()]).toEqual([false, []]);
    });

    it('holds a page at the limit of three of its conversations, and no other page', async () => {
      const [fleet, other] = [await join(), await join()];
      await limitPage(fleet);
      await other.refresh();
      for (const worker of [fleet, other]) {
        expect(await worker.admitted('p2')).toEqual({ kind: 'go' });
        expect(worker.leave()).toBe('go');
      }
      expect([await fleet.admitted('p1'), await other.admitted('p1')]).toEqual([slot(1000), slot(1097)]);
      expect(fleet.lines[0]).toContain('the API asks to slow down');
      expect(await holds()).toMatchObject([
        {
          scope: 'page',
          page: 'p1',
          reason: 'rate-limited',
          evidence: 'HTTP 429 from 3 conversations of page p1',
          since: new Date(time.nowMs()).toISOString(),
          until: new Date(time.nowMs() + 1000).toISOString(),
          isPaced: true,
        },
      ]);
    });

    it('holds the key at a limit of different pages, and everything at one of different keys', async () => {
      const fleet = await join();
      await fleet.toldOfAll(limited, ['a', 'b']);
      expect(await fleet.told(limited, { pageId: 'p2' })).toMatchObject({ scope: 'key', isPaced: true });
      expect(await fleet.told(limited, { pageId: 'p3', key: 'key:two' })).toMatchObject({ scope: 'api' });
      // The wider one stands for the narrower one.
      expect((await holds()).map(({ scope }) => scope)).toEqual(['api']);
      // Messages are still taken: each has its slot.
      expect(fleet.leave()).toBe('go');
    });

    it('waits as long as the API asks, and longer if it asks for more', async () => {
      const fleet = await join();
      const asking = (askedMs: number) => ({ ...limited, askedMs });
      await fleet.toldOfAll(asking(3000), ['a', 'b']);
      expect(await fleet.told(asking(4000))).toMatchObject({ scope: 'page', delayMs: 4000 });
      expect(await fleet.told(asking(9000), { beganAt: performance.now() - 10 })).toMatchObject({ delayMs: 9000 });
      expect(await fleet.admitted('p1')).toEqual(slot(9000));
    });

    it('lets messages leave at their slots, and goes on without an end of its own', async () => {
      const fleet = await join();
      await limitPage(fleet);
      await time.pass(1000);
      expect(await fleet.admitted('p1')).toEqual({ kind: 'go' });
      await fleet.told(works);
      expect(fleet.isAnythingOpen()).toBe(true);
      await time.pass(61_000);
      await fleet.refresh();
      expect([fleet.isAnythingOpen(), await holds()]).toEqual([false, []]);
    });

    it('slows down after one refusal at a pace that it had learned, but blames only the conversation', async () => {
      const fleet = await join();
      await limitPage(fleet);
      await time.pass(3000);
      await fleet.told(works);
      await time.pass(10);
      expect(await fleet.told({ ...limited, askedMs: 60_000 })).toEqual(ABOUT_ITSELF);
      expect(await fleet.admitted('p1')).toEqual(slot(1000));
    });

    it('holds what the hook classifyResponse asks to hold, for as long as it says', async () => {
      const fleet = await join();
      const asked = { ...limited, askedMs: 5000 };
      for (let n = 0; n < 5; n += 1) {
        expect(await fleet.told({ ...asked, askedScope: ALONE }, { conversationId: `c${n}` })).toEqual(ABOUT_ITSELF);
      }
      for (const askedScope of ['page', 'key', 'api'] as const) {
        expect(await fleet.told({ ...asked, askedScope })).toMatchObject({ scope: askedScope, delayMs: 5000 });
        expect((await holds()).map(({ scope }) => scope)).toEqual([askedScope]);
      }
    });

    it('lets a page wait as long as the API asked it to, also when everything waits for less', async () => {
      const fleet = await join();
      await fleet.toldOfAll({ ...limited, askedMs: 600_000 }, ['a', 'b', 'c']);
      await fleet.toldOfAll({ ...limited, askedMs: 1000 }, ['d', 'e', 'f'], { pageId: 'p2', key: 'key:two' });
      expect(fleet.lines.join('')).toContain('"scope":"api"');
      expect(await fleet.admitted('p1')).toEqual(slot(600_000));
    });
  });

  describe('when everything is rejected', () => {
    it('holds everything after 20 different conversations, and sends one probe at a time', async () => {
      const fleet = await join();
      expect(await fleet.toldOfAll(rejected, conversations(19))).not.toContain('api');
      expect(await fleet.told(rejected)).toEqual({ ...ABOUT_ITSELF, scope: 'api', delayMs: 1000 });
      expect(fleet.leave()).toEqual({ waitMs: 500 });
      expect(fleet.lines[0]).toContain('the API refuses everything');
      expect(await holds()).toMatchObject([
        { scope: 'api', reason: 'refusing', evidence: 'HTTP 404 from 20 conversations' },
      ]);
      await time.pass(1000);
      expect(await fleet.askToProbe()).toBe('probe');
      const probes = fleet.apiProbes();
      expect(probes).toEqual(['refusing api']);
      expect(await fleet.told(rejected, { probes })).toMatchObject({ scope: 'api', delayMs: 2000 });
    });

    it('goes on with any success, also of a request that was under way', async () => {
      const fleet = await join();
      await fleet.toldOfAll(rejected, conversations(20));
      await fleet.told(works, { beganAt: performance.now() - 100 });
      expect([fleet.leave(), await holds()]).toEqual(['go', []]);
    });

    it('holds only the page whose messages are rejected while another works', async () => {
      const fleet = await join();
      await fleet.told(works, { pageId: 'p2' });
      await time.pass(1);
      expect((await fleet.toldOfAll(rejected, conversations(20))).at(-1)).toBe('page');
      expect(await fleet.admitted('p2')).toEqual({ kind: 'go' });
    });

    it('is not taken in by some that are rejected among others', async () => {
      const fleet = await join();
      for (const conversationId of conversations(100)) {
        expect(await fleet.told(rejected, { conversationId })).toEqual(ABOUT_ITSELF);
        await time.pass(1);
        await fleet.told(works, { conversationId: 'calm' });
        await time.pass(1);
      }
    });

    it('needs as many conversations as the settings say', async () => {
      const [few, never] = [await join({ refusalsToHold: 3 }), await join({ refusalsToHold: 0 })];
      expect(await never.toldOfAll(rejected, conversations(60))).not.toContain('api');
      expect(await few.toldOfAll(rejected, ['a', 'b', 'c'])).toEqual([ALONE, ALONE, 'api']);
    });
  });
});
