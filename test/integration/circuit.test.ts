import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  askGate,
  type GateAnswer,
  type Observation,
  readCircuits,
  tellCircuit,
} from '../../src/shared/lanes/fleet/circuits.ts';
import { START, useSimulatedTime } from '../support/limits/simulated-time.ts';

const NAMESPACE = 'circuits';
const PAUSE_MS = 1000;
const MAX_PAUSE_MS = 15_000;
const PROBE_MS = 12_000;
/** For so long failures and successes count. */
const WINDOW_MS = 10_000;

const observation: Observation = {
  circuit: 'api',
  reason: 'api-down',
  result: 'ok',
  id: '',
  isProbe: false,
  isSure: false,
  successes: 0,
  threshold: 5,
  pauseMs: PAUSE_MS,
  maxPauseMs: MAX_PAUSE_MS,
};

describe('a circuit', () => {
  const time = useSimulatedTime();

  const tell = async (facts: Partial<Observation>): Promise<number> =>
    await tellCircuit(time.redis, NAMESPACE, { ...observation, ...facts });
  const fail = async (id: string, facts: Partial<Observation> = {}): Promise<number> =>
    await tell({ result: 'failed', id, ...facts });
  const ask = async (...circuits: string[]): Promise<GateAnswer> =>
    await askGate(time.redis, NAMESPACE, { probeMs: PROBE_MS, circuits: ['api', ...circuits] });

  async function failAll(messages: number, facts: Partial<Observation> = {}): Promise<number[]> {
    const pauses: number[] = [];
    for (let n = 1; n <= messages; n += 1) pauses.push(await fail(`m${n}`, facts));
    return pauses;
  }

  /** Opens it and lets its pause pass, so that the next one who asks is a probe. */
  async function open(circuit = 'api'): Promise<void> {
    await fail('m', { circuit, isSure: true });
    await time.pass(PAUSE_MS);
  }

  it('is open when five different messages have failed', async () => {
    expect(await failAll(5)).toEqual([0, 0, 0, 0, PAUSE_MS]);
    expect(await ask()).toEqual({ verdict: 'hold', delayMs: PAUSE_MS });
    await time.pass(400);
    expect(await ask()).toEqual({ verdict: 'hold', delayMs: PAUSE_MS - 400 });
  });

  it('is not open because of one message, however often it fails', async () => {
    for (let n = 0; n < 100; n += 1) expect(await fail('m')).toBe(0);
    expect(await ask()).toEqual({ verdict: 'go' });
  });

  it('is not open as long as more succeed than fail', async () => {
    await tell({ successes: 4 });
    await tell({ successes: 2 });
    expect(await failAll(6)).toEqual([0, 0, 0, 0, 0, PAUSE_MS]);
  });

  it('counts the successes that come with a failure', async () => {
    expect(await failAll(4)).toEqual([0, 0, 0, 0]);
    expect(await fail('m5', { successes: 6 })).toBe(0);
    expect(await fail('m6')).toBe(PAUSE_MS);
  });

  it('forgets failures after ten seconds', async () => {
    await failAll(4);
    await time.pass(WINDOW_MS);
    expect(await fail('m5')).toBe(0);
    expect(await failAll(4)).toEqual([0, 0, 0, PAUSE_MS]);
  });

  it('still knows failures of nearly ten seconds ago', async () => {
    await failAll(4);
    await time.pass(WINDOW_MS - 1);
    expect(await fail('m5')).toBe(PAUSE_MS);
  });

  it('forgets successes after ten seconds', async () => {
    await tell({ successes: 1000 });
    await time.pass(WINDOW_MS - 1000);
    expect((await failAll(5)).at(-1)).toBe(0);
    await time.pass(2001);
    expect(await fail('m6')).toBe(PAUSE_MS);
  });

  it('opens at once where one failure is enough', async () => {
    expect(await fail('m', { threshold: 1 })).toBe(PAUSE_MS);
  });

  it('does not open at one failure among successes, unless it is sure', async () => {
    await tell({ successes: 100 });
    expect(await fail('m', { threshold: 1 })).toBe(0);
    expect(await fail('m', { isSure: true })).toBe(PAUSE_MS);
  });

  it('lets one probe through when its pause is over, and nobody else meanwhile', async () => {
    await fail('m', { isSure: true });
    await time.pass(PAUSE_MS - 1);
    expect(await ask()).toEqual({ verdict: 'hold', delayMs: 1 });
    await time.pass(1);
    expect(await ask()).toEqual({ verdict: 'probe' });
    expect(await ask()).toEqual({ verdict: 'hold', delayMs: 1000 });
    await time.pass(PROBE_MS - 300);
    expect(await ask()).toEqual({ verdict: 'hold', delayMs: 300 });
  });

  it('gives up a probe that is never heard of, and lets another one through', async () => {
    await open();
    expect(await ask()).toEqual({ verdict: 'probe' });
    await time.pass(PROBE_MS);
    expect(await ask()).toEqual({ verdict: 'probe' });
    expect(await ask()).toMatchObject({ verdict: 'hold' });
  });

  it('doubles its pause with every probe that fails, up to the longest', async () => {
    await open();
    for (const pauseMs of [2000, 4000, 8000, 15_000, 15_000]) {
      expect(await ask()).toEqual({ verdict: 'probe' });
      expect(await fail('probe', { isProbe: true })).toBe(pauseMs);
      expect(await ask()).toEqual({ verdict: 'hold', delayMs: pauseMs });
      await time.pass(pauseMs);
    }
  });

  it('closes when its probe succeeds, and begins anew', async () => {
    await failAll(5);
    await time.pass(PAUSE_MS);
    await ask();
    await fail('m6', { isProbe: true });
    await time.pass(2 * PAUSE_MS);
    await ask();
    expect(await tell({ isProbe: true })).toBe(0);
    expect(await ask()).toEqual({ verdict: 'go' });
    expect(await failAll(5)).toEqual([0, 0, 0, 0, PAUSE_MS]);
  });

  it('lets another probe through at once when one has come to nothing', async () => {
    await open();
    expect(await ask()).toEqual({ verdict: 'probe' });
    expect(await ask()).toMatchObject({ verdict: 'hold' });
    expect(await tell({ result: 'nothing', isProbe: true })).toBeGreaterThan(0);
    expect(await ask()).toEqual({ verdict: 'probe' });
  });

  it('is not closed by the success of another one than its probe', async () => {
    await open();
    await time.pass(-300);
    expect(await tell({ successes: 50 })).toBe(300);
    await time.pass(300);
    await ask();
    expect(await tell({ successes: 50 })).toBe(1);
    expect(await ask()).toEqual({ verdict: 'hold', delayMs: 1000 });
  });

  it('waits no longer, and takes no probe away, when another one than its probe fails', async () => {
    await open();
    await time.pass(-300);
    expect(await failAll(20, { isSure: true })).toEqual(Array.from({ length: 20 }, () => 300));
    await time.pass(300);
    expect(await ask()).toEqual({ verdict: 'probe' });
    expect(await fail('late', { isSure: true })).toBe(1);
    expect(await ask()).toEqual({ verdict: 'hold', delayMs: 1000 });
    expect(await fail('probe', { isProbe: true })).toBe(2 * PAUSE_MS);
  });

  it('is none of a late probe’s business when it has closed', async () => {
    expect(await tell({ isProbe: true })).toBe(0);
    expect(await fail('m', { isProbe: true })).toBe(0);
    expect(await ask()).toEqual({ verdict: 'go' });
  });

  it('is known to the fleet with its reason and its time', async () => {
    await fail('m', { isSure: true });
    await fail('m', { circuit: 'key:one', isSure: true, reason: 'unauthorized', pauseMs: 5000 });
    const { nowMs, open: circuits } = await readCircuits(time.redis, NAMESPACE);
    expect(nowMs).toBe(START);
    expect(circuits.toSorted((a, b) => a.name.localeCompare(b.name))).toEqual([
      { name: 'api', probeAt: START + PAUSE_MS, reason: 'api-down' },
      { name: 'key:one', probeAt: START + 5000, reason: 'unauthorized' },
    ]);
    expect((await readCircuits(time.redis, 'another')).open).toEqual([]);
  });

  it('of a key holds those with that key, and nobody else', async () => {
    await fail('m', { circuit: 'key:one', isSure: true });
    expect(await ask('key:one')).toMatchObject({ verdict: 'hold' });
    expect([await ask('key:two'), await ask()]).toEqual([{ verdict: 'go' }, { verdict: 'go' }]);
    await time.pass(PAUSE_MS);
    expect([await ask('key:one'), await ask('key:two')]).toEqual([{ verdict: 'probe' }, { verdict: 'go' }]);
    await tell({ circuit: 'key:one', isProbe: true });
    expect(await ask('key:one')).toEqual({ verdict: 'go' });
  });

  it('of a key counts for itself', async () => {
    expect(await failAll(4)).toEqual([0, 0, 0, 0]);
    for (const id of ['k1', 'k2', 'k3', 'k4']) expect(await fail(id, { circuit: 'key:one' })).toBe(0);
    await tell({ circuit: 'key:two', successes: 1000 });
    expect(await fail('k5', { circuit: 'key:one' })).toBe(PAUSE_MS);
    expect(await ask()).toEqual({ verdict: 'go' });
    expect(await fail('m5')).toBe(PAUSE_MS);
  });

  it('of a key stays open when the one of the API closes', async () => {
    await open('key:one');
    await open();
    await ask();
    await tell({ isProbe: true });
    expect([await ask('key:one'), await ask('key:two')]).toEqual([{ verdict: 'probe' }, { verdict: 'go' }]);
  });

  it('loses no probe to a request that another one holds', async () => {
    await fail('m', { circuit: 'key:one', isSure: true, pauseMs: 5000 });
    await open();
    expect(await ask('key:one')).toEqual({ verdict: 'hold', delayMs: 4000 });
    expect(await ask('key:two')).toEqual({ verdict: 'probe' });
  });

  it('is probed together with the other one in the way', async () => {
    await open('key:one');
    await open();
    expect(await ask('key:one')).toEqual({ verdict: 'probe' });
    expect(await ask('key:two')).toMatchObject({ verdict: 'hold' });
    await tell({ isProbe: true });
    expect([await ask('key:two'), await ask('key:one')]).toMatchObject([{ verdict: 'go' }, { verdict: 'hold' }]);
  });

  it('sends no more probes than its pauses allow, whoever asks when', async () => {
    const anySteps = fc.array(fc.integer({ min: 0, max: 3000 }), { minLength: 1, maxLength: 60 });
    const property = fc.asyncProperty(anySteps, fc.infiniteStream(fc.boolean()), async (steps, losses) => {
      await time.begin();
      await fail('m', { isSure: true });
      let [pauseMs, mayProbeAt] = [PAUSE_MS, START + PAUSE_MS];
      for (const stepMs of steps) {
        await time.pass(stepMs);
        const { verdict } = await ask();
        expect(verdict).toBe(time.nowMs() >= mayProbeAt ? 'probe' : 'hold');
        if (verdict === 'hold') continue;
        const isLost = losses.next().value === true;
        if (!isLost) pauseMs = Math.min(2 * pauseMs, MAX_PAUSE_MS);
        mayProbeAt = time.nowMs() + (isLost ? PROBE_MS : pauseMs);
        if (!isLost) await fail('probe', { isProbe: true });
      }
    });
    await fc.assert(property, { numRuns: 50 });
  });
});
