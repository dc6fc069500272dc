import { describe, expect, it } from 'vitest';
import { START, useSimulatedTime } from '../support/limits/simulated-time.ts';
import { useLanes } from '../support/use-lanes.ts';

describe('the limits of the fleet and of a page', () => {
  const time = useSimulatedTime();
  const lanes = useLanes(time);

  async function storeInto(conversations: readonly string[], page = 'p1'): Promise<string[]> {
    return await lanes.storeInto(conversations, { page, ttlMs: 1e9 });
  }

  it('use up no slot of the fleet for a message that its page puts off', async () => {
    await lanes.rules({ intervalMs: 1000, pageIntervalMs: 60_000 });
    const [first] = await storeInto(['a', 'b']);
    expect(await lanes.turn()).toMatchObject({ taken: [{ id: first }], slotsMs: [], lookAgainMs: 60_000 });
    await time.goTo(START + 1000);
    expect(await lanes.turn()).toMatchObject({ taken: [], slotsMs: [], lookAgainMs: null });
    const [other] = await storeInto(['a'], 'p2');
    expect((await lanes.turn()).taken.map(({ id }) => id)).toEqual([other]);
  });

  it('let the other pages go on at the pace of the fleet while one has to wait', async () => {
    await lanes.rules({ intervalMs: 100, pageIntervalMs: 60_000 });
    const [first] = await storeInto(['a', 'b', 'c']);
    const others: string[] = [];
    for (const page of ['p2', 'p3', 'p4']) others.push(...(await storeInto(['a'], page)));
    const given: string[] = [];
    for (let afterMs = 0; afterMs <= 1000; afterMs += 100) {
      await time.goTo(START + afterMs);
      const { taken } = await lanes.turn();
      expect(taken.length).toBeLessThanOrEqual(1);
      given.push(...taken.map(({ id }) => id));
    }
    expect(given).toEqual([first, ...others]);
  });

  it.each([
    ['the fleet’s limit', { intervalMs: 100 }],
    ['the page’s limit', { pageIntervalMs: 100 }],
    ['both limits', { intervalMs: 100, pageIntervalMs: 100 }],
  ])('let a probe leave soon, and nothing else with it, whatever was reserved of %s before', async (_what, rules) => {
    await lanes.rules(rules);
    await storeInto(Array.from({ length: 50 }, (_, n) => `c${n}`));
    expect((await lanes.turn()).taken).toHaveLength(1);
    await time.goTo(START + 100);
    expect((await lanes.turn({ isProbe: true, look: 'due' })).taken).toHaveLength(1);
  });

  it('let a probe leave at once where the fleet’s next slot lies far ahead', async () => {
    await lanes.rules({ intervalMs: 60_000 });
    await storeInto(['a', 'b', 'c']);
    expect((await lanes.turn()).taken).toHaveLength(1);
    expect((await lanes.turn()).taken).toHaveLength(0);
    expect((await lanes.turn({ isProbe: true })).taken).toHaveLength(1);
  });
});
