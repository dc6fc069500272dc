import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  askGate,
  type GateAnswer,
  type Observation,
  readCircuits,
  tellCircuit,
} from '../../src/shared/lanes/fleet/circuits.ts';
import { allowedBetween, observation, type Pace, paceAt, paceInSecondBefore } from '../support/limits/paces.ts';
import { START, useSimulatedTime } from '../support/limits/simulated-time.ts';

const NAMESPACE = 'paces';
const PAUSE_MS = 1000;
const FIELD = 'limited api';
const PROBED = 'unauthorized key:one';
/** A message may leave so long before its slot, and slots are whole ms. */
const TOLERANCE_MS = 3;

describe('a circuit at a limit', () => {
  const time = useSimulatedTime();
  const facts = { scope: 'api', reason: 'rate-limited', what: 'HTTP 429', conversations: 3 } as const;

  const tell = async (
    seen: Observation['seen'],
    more: Partial<Observation> = {},
  ): Promise<{ waitMs: number; isNew: boolean }> =>
    await tellCircuit(time.redis, NAMESPACE, { ...observation, facts, field: FIELD, seen, ...more });
  const ask = async (id: string, fields: readonly string[] = [FIELD]): Promise<GateAnswer> =>
    await askGate(time.redis, NAMESPACE, { id, probeMs: 12_000, wasTried: false, fields });
  const isOpen = async (): Promise<boolean> => (await readCircuits(time.redis, NAMESPACE)).open.length > 0;

  async function slotOf(id: string, fields?: readonly string[]): Promise<number> {
    const answer = await ask(id, fields);
    if (answer.verdict !== 'hold') return time.nowMs();
    expect(answer.isSlot).toBe(true);
    return time.nowMs() + answer.delayMs;
  }

  async function slotsOf(ids: readonly string[]): Promise<number[]> {
    const slots: number[] = [];
    for (const id of ids) slots.push(await slotOf(id));
    return slots;
  }

  const named = (prefix: string, count: number): string[] => Array.from({ length: count }, (_, n) => `${prefix}${n}`);

  /** Opens it; messages leave at the pace that is returned. */
  async function open(more: Partial<Observation> = {}): Promise<Pace> {
    const { waitMs } = await tell('refused', more);
    return { beginsAt: time.nowMs() + waitMs, perSecond: 10, isGuess: true };
  }

  /** Refuses a request that has left just now. @returns the pace from then on */
  async function refuse(before: Pace, more: Partial<Observation> = {}): Promise<Pace> {
    const { waitMs } = await tell('refused', { wasAccepted: true, ...more });
    return { beginsAt: time.nowMs() + waitMs, perSecond: paceInSecondBefore(before, time.nowMs()), isGuess: false };
  }

  /** The slots are no closer than the pace allows, and none lies before its beginning. */
  function expectPaced(slots: readonly number[], pace: Pace): void {
    const sorted = slots.toSorted((one, other) => one - other);
    for (const [n, slot] of sorted.entries()) {
      expect(slot).toBeGreaterThanOrEqual(pace.beginsAt - TOLERANCE_MS);
      expect(1 + allowedBetween(pace, pace.beginsAt, slot + TOLERANCE_MS)).toBeGreaterThan(n + 0.999);
      const before = sorted[n - 1];
      if (before === undefined) continue;
      expect(allowedBetween(pace, before - TOLERANCE_MS, slot + TOLERANCE_MS)).toBeGreaterThan(0.999);
    }
  }

  it('lets nothing leave in a pause, as long as the API asks for it', async () => {
    expect(await tell('refused', { askedMs: 7000 })).toEqual({ waitMs: 7000, isNew: true });
    expect(await ask('m')).toEqual({ verdict: 'hold', delayMs: 7000, isSlot: true });
    const [shown] = (await readCircuits(time.redis, NAMESPACE)).open;
    expect(shown).toMatchObject({ ...facts, field: FIELD, isPaced: true, since: START, probeAt: START + 7000 });
  });

  it('lets ten messages a second leave after that, and twice as many with each second', async () => {
    const { beginsAt } = await open();
    const slots = await slotsOf(named('m', 72));
    const inSecond = (n: number): number =>
      slots.filter((slot) => slot > beginsAt + (n - 1) * 1000 && slot <= beginsAt + n * 1000).length;
    // A second at a pace that doubles meanwhile is worth its first pace, divided by the logarithm of 2.
    expect([slots[0], inSecond(1), inSecond(2)]).toEqual([beginsAt, 14, 29]);
    expect(slots).toEqual(slots.toSorted((one, other) => one - other));
  });

  it('lets a message leave at its slot, which it keeps until then', async () => {
    await open();
    const slots = await slotsOf(named('m', 5));
    await time.pass(PAUSE_MS - 300);
    expect(await slotsOf(named('m', 5))).toEqual(slots);
    await time.goTo((slots[3] ?? 0) - 10);
    expect(await ask('m3')).toEqual({ verdict: 'hold', delayMs: 10, isSlot: true });
    await time.goTo(slots[3] ?? 0);
    expect(await ask('m3')).toEqual({ verdict: 'go' });
  });

  it('gives a message that has left and comes again another slot', async () => {
    await open();
    const [, , third = 0] = await slotsOf(named('m', 3));
    await time.goTo(third);
    expect(await ask('m0')).toEqual({ verdict: 'go' });
    expect(await slotOf('m0')).toBeGreaterThan(third);
  });

  it('saves up no slots that nobody has used', async () => {
    const pace = await open();
    await time.goTo(pace.beginsAt + 2000);
    expectPaced(await slotsOf(named('m', 50)), pace);
    expect(await slotOf('n')).toBeGreaterThan(time.nowMs() + 500);
  });

  it('goes on a little slower than the pace that was refused, and no slot of before counts', async () => {
    const pace = await open();
    await time.goTo(pace.beginsAt + 3000);
    const before = await slotsOf(named('m', 300));
    const next = await refuse(pace);
    expect(next.beginsAt).toBe(time.nowMs() + PAUSE_MS);
    // A guess of 10 that has doubled for three seconds: from 40 to 80 a second in the last of them.
    expect(next.perSecond).toBeCloseTo(40 / Math.LN2, 3);
    const after = await slotsOf(named('m', 300));
    expect(after[0]).toBe(next.beginsAt);
    expect(after.filter((slot, n) => slot === before[n])).toEqual([]);
    const inFirstSecond = after.filter((slot) => slot < next.beginsAt + 1000).length;
    expect(inFirstSecond).toBeGreaterThan(0.85 * next.perSecond);
    expect(inFirstSecond).toBeLessThan(0.9 * next.perSecond + 1);
  });

  it('reaches the pace that was refused again after ten seconds', async () => {
    let pace = await refuse(await open());
    await time.goTo(pace.beginsAt + 10_000);
    pace = await refuse(pace);
    expect(pace.perSecond).toBeCloseTo(10, 1);
    expectPaced(await slotsOf(named('m', 30)), pace);
  });

  it('takes a request that had left before the last refusal for no refusal of the pace', async () => {
    const pace = await open();
    await time.goTo(pace.beginsAt);
    await ask('first');
    await time.pass(50);
    const slots = await slotsOf(named('m', 10));
    expect(await tell('refused', { beganMsAgo: PAUSE_MS + 51 })).toEqual({ waitMs: 1, isNew: false });
    expect(await slotsOf(named('m', 10))).toEqual(slots);
    expect((await tell('refused', { beganMsAgo: PAUSE_MS + 50, wasAccepted: true })).waitMs).toBe(PAUSE_MS);
    expect(await slotsOf(named('m', 10))).not.toEqual(slots);
  });

  it('waits longer if such a request asks for it, and lets no message leave before that', async () => {
    await open();
    await slotsOf(named('m', 3));
    expect(await tell('refused', { beganMsAgo: 100, askedMs: 200 })).toEqual({ waitMs: PAUSE_MS, isNew: false });
    await time.pass(100);
    expect(await tell('refused', { beganMsAgo: 101, askedMs: 5000 })).toEqual({ waitMs: 5000, isNew: false });
    const slots = await slotsOf([...named('m', 3), 'n']);
    for (const slot of slots) expect(slot).toBeGreaterThanOrEqual(START + 5100);
  });

  it('doubles its pause only if no message was accepted since the last refusal', async () => {
    await open();
    const pauses: number[] = [];
    for (const wasAccepted of [false, false, true, false, false, false, false]) {
      await time.pass(pauses.at(-1) ?? PAUSE_MS);
      pauses.push((await tell('refused', { wasAccepted })).waitMs);
    }
    expect(pauses).toEqual([2000, 4000, 1000, 2000, 4000, 8000, 15_000]);
  });

  it('is gone after 60 s without a refusal, or at a pace that is no limit any more', async () => {
    const guess = await open();
    await time.goTo(guess.beginsAt + 8900);
    await ask('m');
    expect(await isOpen()).toBe(true);
    await time.pass(100);
    expect([await ask('n'), await isOpen()]).toEqual([{ verdict: 'go' }, false]);

    const learned = await refuse(await open());
    await time.goTo(learned.beginsAt + 59_999);
    await ask('m');
    expect(await isOpen()).toBe(true);
    await time.pass(1);
    expect([await ask('n'), await isOpen()]).toEqual([{ verdict: 'go' }, false]);
  });

  it('lets a message leave at the latest of the slots that it needs, and as a probe then', async () => {
    const key = 'limited key:one';
    await tell('failed', { field: PROBED });
    await open();
    await tell('refused', { field: key, askedMs: 3000 });
    await time.pass(PAUSE_MS);
    expect(await slotOf('m', [PROBED, FIELD, key])).toBe(START + 3000);
    expect(await ask('other', [PROBED])).toEqual({ verdict: 'probe', fields: [PROBED] });
    await tell('nothing', { field: PROBED });
    await time.goTo(START + 3000);
    expect(await ask('m', [PROBED, FIELD, key])).toEqual({ verdict: 'probe', fields: [PROBED] });
  });

  describe('when Redis’s clock steps back', () => {
    it.each([1, 10, 59, 3600])('by %i minutes, messages wait no longer than without the step', async (minutes) => {
      const pace = await open();
      await time.goTo(pace.beginsAt + 1000);
      const before = await slotsOf(named('m', 20));
      const longestMs = Math.max(...before) - time.nowMs();
      await time.step(-minutes * 60_000);
      const after = await slotsOf([...named('m', 20), 'n']);
      // The pace begins anew, which takes the pause and the second that has passed.
      expect(Math.max(...after) - time.nowMs()).toBeLessThanOrEqual(longestMs + PAUSE_MS + 1000);
    });

    it('learns from the next refusal as ever', async () => {
      const pace = await open();
      await time.goTo(pace.beginsAt + 3000);
      await time.step(-3_600_000);
      await ask('m');
      await time.pass(2000);
      expect((await tell('refused', { beganMsAgo: 10, wasAccepted: true })).waitMs).toBe(PAUSE_MS);
    });
  });

  it('never lets messages leave closer than its pace allows, and forgets it when it should', async () => {
    const anyStep = fc.oneof(
      { weight: 4, arbitrary: fc.record({ ask: fc.integer({ min: 1, max: 12 }) }) },
      {
        weight: 3,
        arbitrary: fc.record({ waitMs: fc.oneof(fc.integer({ min: 0, max: 2500 }), fc.constantFrom(9000, 61_000)) }),
      },
      { weight: 1, arbitrary: fc.record({ askedMs: fc.constantFrom(null, 0, 300, 5000) }) },
    );
    let [refusals, ends] = [0, 0];
    const property = fc.asyncProperty(fc.array(anyStep, { maxLength: 40 }), async (steps) => {
      await time.begin();
      let pace = await open();
      let slots: number[] = [];
      for (const [n, step] of steps.entries()) {
        if ('waitMs' in step) {
          await time.pass(step.waitMs);
        } else if ('ask' in step) {
          const given = await slotsOf(named(`${n}-`, step.ask));
          const isOver = time.nowMs() - pace.beginsAt >= 60_000 || paceAt(pace, time.nowMs()) >= 5000;
          expect(await isOpen()).toBe(!isOver);
          if (isOver) {
            ends += 1;
            break;
          }
          slots.push(...given);
        } else {
          refusals += 1;
          expectPaced(slots, pace);
          pace = await refuse(pace, step);
          slots = [];
        }
      }
      expectPaced(slots, pace);
    });
    await fc.assert(property, { numRuns: 60 });
    expect(Math.min(refusals, ends)).toBeGreaterThan(0);
  });

  it('keeps every slot that it has given until it is used or refused, whoever asks when', async () => {
    const anyAsk = fc.record({ id: fc.constantFrom('a', 'b', 'c', 'd', 'e'), waitMs: fc.integer({ min: 0, max: 80 }) });
    const property = fc.asyncProperty(fc.array(anyAsk, { maxLength: 40 }), async (asks) => {
      await time.begin();
      await open();
      const slots = new Map<string, number>();
      for (const { id, waitMs } of asks) {
        await time.pass(waitMs);
        const known = slots.get(id);
        const slot = await slotOf(id);
        if (slot === time.nowMs()) {
          expect(known ?? slot).toBeLessThanOrEqual(slot + TOLERANCE_MS);
          slots.delete(id);
        } else {
          expect(slot).toBe(known ?? slot);
          slots.set(id, slot);
        }
      }
    });
    await fc.assert(property, { numRuns: 60 });
  });

  it('wastes nothing of its pace while messages wait', async () => {
    const property = fc.asyncProperty(
      fc.integer({ min: 0, max: 8000 }),
      fc.integer({ min: 1, max: 100 }),
      async (learnedMs, count) => {
        await time.begin();
        const guess = await open();
        await time.goTo(guess.beginsAt + learnedMs);
        const pace = await refuse(guess);
        const slots = await slotsOf(named('m', count));
        for (const [n, slot] of slots.entries()) {
          expect(allowedBetween(pace, pace.beginsAt, slot - 1)).toBeLessThan(n + 0.001);
        }
      },
    );
    await fc.assert(property, { numRuns: 40 });
  });
});
