import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Claim, claim } from '../../src/shared/lanes/claim.ts';
import { registerWorker } from '../../src/shared/lanes/register.ts';
import { parseRateLimit } from '../../src/shared/rate-limit.ts';
import { delivered, type Lanes, openLanes, type Taken } from '../support/lanes.ts';
import { type SimulatedTime, START, startSimulatedTime } from '../support/limits/simulated-time.ts';

interface Rules {
  page?: string;
  fleet?: string;
  window?: number;
}

const go: unknown = expect.objectContaining({ verdict: 'go' });
const wait = (delayMs: number) => ({ verdict: 'wait', delayMs });

describe('messages that wait for slots', () => {
  let time: SimulatedTime;
  let lanes: Lanes;
  beforeAll(async () => {
    time = await startSimulatedTime();
    lanes = await openLanes(time.redis);
  });
  beforeEach(async () => await time.begin());
  afterAll(async () => await time.stop());

  async function rule({ page, fleet, window = 0 }: Rules): Promise<void> {
    const limitOf = (text?: string) => (text === undefined ? null : parseRateLimit(text));
    await registerWorker(lanes.shard, 'w', null, { window, pageLimit: limitOf(page), limit: limitOf(fleet) });
  }

  async function take(): Promise<Taken> {
    const taken = await lanes.take();
    if (!taken) throw new Error('nothing is released');
    return taken;
  }

  /** Claims all that is released, and lets BullMQ do what is said. */
  async function work(fleetSlotMs?: number): Promise<Claim[]> {
    const answers: Claim[] = [];
    for (let taken = await lanes.take(); taken; taken = await lanes.take()) {
      const word = fleetSlotMs === undefined ? undefined : { verdict: 'slot' as const, delayMs: fleetSlotMs };
      const answer = await claim(lanes.shard, { ...taken, attempt: taken.token }, word);
      if (answer.verdict === 'wait') await lanes.putOff(taken);
      else if (answer.verdict === 'go') await deliver(taken);
      answers.push(answer);
    }
    return answers;
  }

  async function deliver(taken: Taken): Promise<void> {
    await lanes.settle(taken, taken.token, delivered);
  }

  async function claimFirst(): Promise<Taken> {
    const taken = await take();
    expect(await lanes.claim(taken, taken.token)).toEqual(go);
    return taken;
  }

  async function storeInto(conversations: readonly string[], page = 'p1'): Promise<string[]> {
    const ids: string[] = [];
    for (const conversation of conversations) ids.push(await lanes.store({ page, conversation, ttlMs: 1e9 }));
    return ids;
  }

  async function comeBackAt(afterMs: number, ids: readonly string[]): Promise<Claim[]> {
    await time.goTo(START + afterMs);
    for (const id of ids) await lanes.comeBack(id);
    return await work();
  }

  it('are put off to a slot each, after the burst', async () => {
    await rule({ page: '1/s burst 2' });
    await storeInto(['a', 'b', 'c', 'd']);
    expect(await work()).toEqual([go, go, wait(1000), wait(2000)]);
  });

  it('wait for the rest when they come back too early', async () => {
    await rule({ page: '1/s' });
    const [, second = ''] = await storeInto(['a', 'b']);
    expect(await work()).toEqual([go, wait(1000)]);
    expect(await comeBackAt(400, [second])).toEqual([wait(600)]);
    expect(await comeBackAt(1000, [second])).toEqual([go]);
  });

  it('lose a slot that they miss by over ten seconds', async () => {
    await rule({ page: '1/s' });
    const [, ...others] = await storeInto(['a', 'b', 'c', 'd']);
    expect(await work()).toEqual([go, wait(1000), wait(2000), wait(3000)]);
    // As if they had never been here.
    expect(await comeBackAt(13_001, others)).toEqual([go, wait(1000), wait(2000)]);
  });

  it('keep their slot for exactly ten seconds', async () => {
    await rule({ page: '10/s' });
    const [, ...others] = await storeInto(['a', 'b', 'c']);
    expect(await work()).toEqual([go, wait(100), wait(200)]);
    // A new slot would be 100 ms away.
    expect(await comeBackAt(10_100, others)).toEqual([go, wait(77)]);
  });

  it('leave one by one when they come late together, a little faster than the limit', async () => {
    await rule({ page: '50/s' });
    const [, ...others] = await storeInto(['a', 'b', 'c', 'd', 'e', 'f']);
    expect(await work()).toEqual([go, wait(20), wait(40), wait(60), wait(80), wait(100)]);
    expect(await comeBackAt(400, others)).toEqual([go, go, wait(19), wait(39), wait(58)]);
    for (const [nth, atMs] of [419, 439, 458].entries()) {
      expect(await comeBackAt(atMs, others.slice(2 + nth, 3 + nth))).toEqual([go]);
    }
  });

  it('wait again if they come late for that, too', async () => {
    await rule({ page: '50/s' });
    const [, ...others] = await storeInto(['a', 'b', 'c', 'd', 'e', 'f']);
    await work();
    expect(await comeBackAt(400, others)).toEqual([go, go, wait(19), wait(39), wait(58)]);
    expect(await comeBackAt(600, others.slice(2))).toEqual([go, go, wait(19)]);
  });

  it('of several pages leave one by one, too, under a limit of the fleet', async () => {
    await rule({ fleet: '50/s' });
    const ids = [...(await storeInto(['a', 'b', 'c'], 'p1')), ...(await storeInto(['a', 'b'], 'p2'))];
    expect(await work(20)).toEqual([wait(20), wait(20), wait(20), wait(20), wait(20)]);
    expect(await comeBackAt(400, ids)).toEqual([go, go, wait(19), wait(39), wait(58)]);
  });

  it('leave other pages alone', async () => {
    await rule({ page: '1/min' });
    await storeInto(['a', 'b'], 'p1');
    await storeInto(['a'], 'p2');
    expect(await work()).toEqual([go, wait(60_000), go]);
  });

  it('wait no longer than they live', async () => {
    await rule({ page: '1/min' });
    await storeInto(['a']);
    const id = await lanes.store({ conversation: 'b', ttlMs: 5000 });
    expect(await work()).toEqual([go, wait(5000)]);
    expect(await comeBackAt(5000, [id])).toMatchObject([{ verdict: 'expired' }]);
  });

  it('have slots for some two seconds ahead; the others wait outside, and one goes in for each that leaves', async () => {
    await rule({ page: '2/s', window: 50 });
    const stored: string[] = [];
    for (const conversation of ['a', 'b', 'c', 'd', 'e', 'f', 'g']) {
      stored.push(...(await storeInto([conversation])));
      await work();
    }
    expect(await lanes.window()).toEqual(stored.slice(1, 5));
    await time.goTo(START + 500);
    await lanes.comeBack(stored[1] ?? '');
    await claimFirst();
    expect(await lanes.released()).toEqual(stored.slice(5, 6));
    expect(await work()).toEqual([wait(2000)]);
  });

  it('go in the order of their conversations', async () => {
    await rule({ page: '1/s' });
    const ids = await storeInto(['a', 'a', 'a']);
    expect(await work()).toEqual([go, wait(1000)]);
    expect(await comeBackAt(1000, ids.slice(1, 2))).toEqual([go, wait(1000)]);
    expect(await comeBackAt(2000, ids.slice(2))).toEqual([go]);
  });

  describe('when the limit changes', () => {
    it.each<[string, Rules, unknown[]]>([
      ['is raised', { page: '10/s' }, [go, wait(100), wait(200)]],
      ['gets a burst', { page: '1/h burst 2' }, [go, go, wait(3_600_000)]],
      ['is lowered', { page: '1/h' }, [go, wait(3_600_000), wait(7_200_000)]],
      ['is lifted', {}, [go, go, go]],
    ])('ask again at once: the page’s %s', async (_what, rules, answers) => {
      await rule({ page: '1/min' });
      await storeInto(['a', 'b', 'c', 'd']);
      expect(await work()).toEqual([go, wait(60_000), wait(120_000), wait(180_000)]);
      await rule(rules);
      expect(await lanes.released()).toHaveLength(3);
      expect(await work()).toEqual(answers);
    });

    it.each<[string, Rules]>([
      ['is raised', { fleet: '10/s' }],
      ['gets a burst', { fleet: '1/min burst 5' }],
      ['is lifted', {}],
    ])('ask again at once: the fleet’s %s', async (_what, rules) => {
      await rule({ fleet: '1/min' });
      await storeInto(['a', 'b']);
      expect(await work(60_000)).toEqual([wait(60_000), wait(60_000)]);
      await rule(rules);
      expect(await lanes.released()).toHaveLength(2);
    });

    it('wait as before if a worker tells the same rules again', async () => {
      await rule({ page: '1/s burst 2', fleet: '1000/s' });
      await storeInto(['a', 'b', 'c']);
      expect(await work()).toEqual([go, go, wait(1000)]);
      await rule({ page: '1/s burst 2', fleet: '1000/s' });
      expect(await lanes.released()).toEqual([]);
      await storeInto(['d']);
      expect(await work()).toEqual([wait(2000)]);
    });

    it('take a slot of the new one if they were with a worker just then', async () => {
      await rule({ page: '1/min' });
      const ids = await storeInto(['a', 'b', 'c']);
      await deliver(await claimFirst());
      const between = await take();
      expect(await lanes.claim(between)).toEqual(wait(60_000));
      await rule({ page: '1/s' });
      await lanes.putOff(between);
      expect(await work()).toEqual([go]);
      expect(await comeBackAt(60_000, ids.slice(1, 2))).toEqual([go]);
    });

    it('of a page where nobody waited wait for no slot of the old one', async () => {
      await rule({ page: '1/h' });
      await storeInto(['a']);
      expect(await work()).toEqual([go]);
      await rule({ page: '10/s' });
      await storeInto(['a', 'b']);
      const waits = (await work()).map((answer) => ('delayMs' in answer ? answer.delayMs : 0));
      expect(Math.max(...waits)).toBeLessThanOrEqual(200);
    });
  });
});
