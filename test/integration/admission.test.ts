import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { registerWorker } from '../../src/shared/lanes/register.ts';
import { createLogger } from '../../src/shared/logger.ts';
import type { MessagePayload } from '../../src/shared/payload.ts';
import { type Admission, type Applicant, createAdmission } from '../../src/worker/admit.ts';
import { createFleet, type Fleet, type FleetConfig, type RequestFacts } from '../../src/worker/fleet.ts';
import { createKeyring } from '../../src/worker/keyring.ts';
import { type Lanes, openLanes } from '../support/lanes.ts';
import { type SimulatedTime, START, startSimulatedTime } from '../support/limits/simulated-time.ts';

const NAMESPACE = 'admission';
const logger = createLogger({ level: 'silent' });
const keyring = createKeyring((pageId) => (pageId === 'p0' ? undefined : `key-of-${pageId}`), 1000, logger);

function keyOf(page: string): string {
  const key = keyring.keyFor(page);
  if (!('circuit' in key)) throw new Error(`${page} has no key at once`);
  return key.circuit;
}

describe('the admission of a message', () => {
  let time: SimulatedTime;
  let lanes: Lanes;
  beforeAll(async () => {
    time = await startSimulatedTime();
    lanes = await openLanes(time.redis, NAMESPACE);
  });
  beforeEach(async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    await time.begin();
  });
  afterEach(() => vi.useRealTimers());
  afterAll(async () => await time.stop());

  async function goTo(afterMs: number): Promise<void> {
    vi.advanceTimersByTime(START + afterMs - time.nowMs());
    await time.goTo(START + afterMs);
  }

  async function join(config: Partial<FleetConfig> = {}) {
    const rest = { namespace: NAMESPACE, pageParallelism: 50, timeoutMs: 1000 };
    const fleet = createFleet(time.redis, { ...rest, ...config }, logger);
    await fleet.refresh();
    await registerWorker(lanes.shard, 'w', null, fleet.rules());
    const admit = createAdmission(fleet, keyring);

    /** Admits all that is released, and puts off what has to wait. */
    async function work(who: Partial<Applicant> = {}, page = 'p1'): Promise<(Admission & { id: string })[]> {
      const admissions: (Admission & { id: string })[] = [];
      for (let taken = await lanes.take(); taken; taken = await lanes.take()) {
        const applicant = { payload: payloadOf(page), onUnknownOutcome: 'resend' as const, ...who };
        const admission = await admit(lanes.shard, { ...taken, attempt: taken.token }, applicant);
        if (admission.answer.verdict === 'wait') await lanes.putOff(taken);
        admissions.push({ ...admission, id: taken.id });
      }
      return admissions;
    }
    return { fleet, work };
  }

  async function storeInto(conversations: readonly string[], page = 'p1'): Promise<string[]> {
    const ids: string[] = [];
    for (const conversation of conversations) ids.push(await lanes.store({ page, conversation, ttlMs: 1e9 }));
    return ids;
  }

  async function tell(fleet: Fleet, facts: Partial<RequestFacts>): Promise<void> {
    const rest = { id: 'm', keyCircuit: null, isProbe: false, onUnknownOutcome: 'dead-letter' } as const;
    await fleet.tell({ evidence: { api: 'failed', key: null }, ...rest, ...facts });
  }

  const refuse = async (fleet: Fleet, page: string): Promise<void> =>
    await tell(fleet, { evidence: { api: 'ok', key: 'refused' }, keyCircuit: keyOf(page) });

  it('says when it was asked for, before the lock was looked at', async () => {
    const { work } = await join();
    await storeInto(['a']);
    const before = performance.now();
    expect(await work()).toMatchObject([{ answer: { verdict: 'go' }, isProbe: false, claimedAt: before }]);
  });

  it('takes one slot of the fleet for each message, and needs none when the message comes back for it', async () => {
    const { fleet, work } = await join({ rateLimit: '1/s' });
    const [, second = '', third = ''] = await storeInto(['a', 'b', 'c']);
    expect((await work()).map(told)).toEqual(['go', 'wait 1000', 'wait 2000']);
    await goTo(1000);
    await lanes.comeBack(second);
    expect((await work()).map(told)).toEqual(['go']);
    expect(await fleet.ask(null)).toEqual({ verdict: 'slot', delayMs: 2000 });
    await goTo(2999);
    await lanes.comeBack(third);
    expect((await work()).map(told)).toEqual(['go']);
  });

  it('takes another slot for a message that missed its own by over ten seconds', async () => {
    const { work } = await join({ rateLimit: '1/s' });
    const [, ...others] = await storeInto(['a', 'b', 'c', 'd']);
    expect((await work()).map(told)).toEqual(['go', 'wait 1000', 'wait 2000', 'wait 3000']);
    await goTo(13_001);
    for (const id of others) await lanes.comeBack(id);
    expect((await work()).map(told)).toEqual(['go', 'wait 1000', 'wait 2000']);
  });

  it('takes no slot of the fleet for a message that its page puts off', async () => {
    const { fleet, work } = await join({ rateLimit: '1/s', pageRateLimit: '1/min' });
    await storeInto(['a', 'b']);
    expect((await work()).map(told)).toEqual(['go', 'wait 60000']);
    expect(await fleet.ask(null)).toEqual({ verdict: 'slot', delayMs: 1000 });
  });

  describe('while the API is down', () => {
    it('is put off until the pause is over, and costs no slot', async () => {
      const { fleet, work } = await join({ rateLimit: '1/min', pageRateLimit: '1/min' });
      await tell(fleet, {});
      await storeInto(['a', 'b', 'c']);
      expectBetween(1000, 1500, await work());
      expect(await time.redis.keys('*rate*')).toEqual([]);
    });

    it('looks again after two seconds in a long pause, and not together with the others', async () => {
      const { fleet, work } = await join();
      await tell(fleet, {});
      for (let n = 0; n < 3; n += 1) await tell(fleet, { isProbe: true });
      await storeInto(['a', 'b', 'c', 'd', 'e', 'f']);
      const waits = expectBetween(2000, 2500, await work());
      expect(new Set(waits).size).toBeGreaterThan(1);
    });

    it('makes a probe of one message when the pause is over', async () => {
      const { fleet, work } = await join();
      await tell(fleet, {});
      await goTo(1000);
      const ids = await storeInto(['a', 'b', 'c']);
      const [first, ...others] = await work();
      expect(first).toMatchObject({ id: ids[0], answer: { verdict: 'go' }, isProbe: true });
      expect(others).toMatchObject(others.map(() => ({ answer: { verdict: 'wait' }, isProbe: false })));
    });

    it.each([
      ['the fleet’s limit', { rateLimit: '10/s' }],
      ['the page’s limit', { pageRateLimit: '10/s' }],
      ['both limits', { rateLimit: '10/s', pageRateLimit: '10/s' }],
    ])('finds a probe soon, whatever was reserved of %s before', async (_what, config) => {
      const { fleet, work } = await join(config);
      const ids = await storeInto(Array.from({ length: 50 }, (_, n) => `c${n}`));
      await work();
      await tell(fleet, {});
      const admissions: Admission[] = [];
      for (let afterMs = 100; afterMs <= 4000 && admissions.length === 0; afterMs += 100) {
        await goTo(afterMs);
        for (const id of await cameBack(ids)) await lanes.comeBack(id);
        admissions.push(...(await work()).filter(({ answer }) => answer.verdict === 'go'));
      }
      expect(admissions).toMatchObject([{ isProbe: true }]);
    });

    it('is put off for a moment at the first failure where an unknown outcome ends the message', async () => {
      const { fleet, work } = await join();
      const told100 = tell(fleet, {});
      await storeInto(['a']);
      const [admission] = await work({ onUnknownOutcome: 'dead-letter' });
      expect(admission?.answer).toMatchObject({ verdict: 'wait' });
      await storeInto(['b']);
      expect((await work()).map(told)).toEqual(['go']);
      await told100;
    });
  });

  describe('while a key is refused', () => {
    it('is put off where that key is needed, and only there', async () => {
      const { fleet, work } = await join();
      await refuse(fleet, 'p1');
      await storeInto(['a'], 'p1');
      expect((await work({}, 'p1')).map(({ answer }) => answer.verdict)).toEqual(['wait']);
      await storeInto(['a'], 'p2');
      expect((await work({}, 'p2')).map(told)).toEqual(['go']);
    });

    it('is given where there is no key, or no request that can be read: what comes of it is found out later', async () => {
      const { fleet, work } = await join();
      await refuse(fleet, 'p1');
      await storeInto(['a'], 'p0');
      await storeInto(['b'], 'p1');
      expect((await work({ payload: null })).map(told)).toEqual(['go', 'go']);
      await storeInto(['c'], 'p0');
      expect((await work({}, 'p0')).map(told)).toEqual(['go']);
    });

    it('makes a probe of one message with that key when the pause is over', async () => {
      const { fleet, work } = await join();
      await refuse(fleet, 'p1');
      await goTo(1000);
      await storeInto(['a', 'b'], 'p1');
      expect((await work({}, 'p1')).map(({ isProbe }) => isProbe)).toEqual([true, false]);
      await storeInto(['a'], 'p2');
      expect((await work({}, 'p2')).map(({ isProbe }) => isProbe)).toEqual([false]);
    });
  });

  async function cameBack(ids: readonly string[]): Promise<string[]> {
    const due: string[] = [];
    for (const id of ids) {
      const [next] = await lanes.shard.redis.hmget(`${lanes.shard.root}send:${id}`, 'next');
      if (next && Number(next) <= time.nowMs()) due.push(id);
    }
    return due;
  }
});

function expectBetween(fromMs: number, toMs: number, admissions: readonly Admission[]): number[] {
  const waits = admissions.map(({ answer }) => ('delayMs' in answer ? answer.delayMs : 0));
  expect(waits.filter((waitMs) => waitMs < fromMs || waitMs > toMs)).toEqual([]);
  return waits;
}

function payloadOf(pageId: string): MessagePayload {
  return { v: 1, request: { pageId, conversationId: 'c', message: { type: 'text', text: 'hello' } } };
}

function told({ answer }: Admission): string {
  return 'delayMs' in answer ? `${answer.verdict} ${answer.delayMs}` : answer.verdict;
}
