import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  askGate,
  closeCircuits,
  type GateAnswer,
  noteStopped,
  type Observation,
  readCircuits,
  tellCircuit,
} from '../../src/shared/lanes/fleet/circuits.ts';
import { observation } from '../support/limits/paces.ts';
import { START, useSimulatedTime } from '../support/limits/simulated-time.ts';

const NAMESPACE = 'circuits';
const PAUSE_MS = 1000;
const MAX_PAUSE_MS = 15_000;
const PROBE_MS = 12_000;
const API = 'failing api';
const KEY = 'unauthorized key:one';

describe('a circuit that is probed', () => {
  const time = useSimulatedTime();

  const tell = async (
    seen: Observation['seen'],
    field = API,
    more: Partial<Observation> = {},
  ): Promise<{ waitMs: number; isNew: boolean }> =>
    await tellCircuit(time.redis, NAMESPACE, { ...observation, field, seen, ...more });
  const ask = async (fields: readonly string[] = [API], wasTried = false): Promise<GateAnswer> =>
    await askGate(time.redis, NAMESPACE, { id: 'm', probeMs: PROBE_MS, wasTried, fields });
  const held = (delayMs: number): GateAnswer => ({ verdict: 'hold', delayMs, isSlot: false });
  const probes = (...fields: string[]): GateAnswer => ({ verdict: 'probe', fields });

  /** Opens it and lets its pause pass, so that the next message that asks is a probe. */
  async function open(field = API): Promise<void> {
    await tell('failed', field);
    await time.pass(PAUSE_MS);
  }

  it('is closed until it is told of a failure, and holds everything for a pause then', async () => {
    expect(await ask()).toEqual({ verdict: 'go' });
    expect(await tell('failed')).toEqual({ waitMs: PAUSE_MS, isNew: true });
    expect(await ask()).toEqual(held(PAUSE_MS));
    await time.pass(400);
    expect(await ask()).toEqual(held(PAUSE_MS - 400));
  });

  it('holds as long as the API asks', async () => {
    expect(await tell('failed', API, { askedMs: 7000 })).toEqual({ waitMs: 7000, isNew: true });
    await time.pass(7000);
    expect(await ask()).toEqual(probes(API));
    expect((await tell('probe-failed', API, { askedMs: 300 })).waitMs).toBe(300);
  });

  it('lets one probe through when its pause is over, and nobody else meanwhile', async () => {
    await tell('failed');
    await time.pass(PAUSE_MS - 1);
    expect(await ask()).toEqual(held(1));
    await time.pass(1);
    expect(await ask()).toEqual(probes(API));
    expect(await ask()).toEqual(held(1000));
    await time.pass(PROBE_MS - 300);
    expect(await ask()).toEqual(held(300));
  });

  it('gives up a probe that is never heard of, and lets another one through', async () => {
    await open();
    expect(await ask()).toEqual(probes(API));
    await time.pass(PROBE_MS);
    expect(await ask()).toEqual(probes(API));
    expect(await ask()).toMatchObject({ verdict: 'hold' });
  });

  it('doubles its pause with every probe that fails, up to the longest', async () => {
    await open();
    for (const pauseMs of [2000, 4000, 8000, 15_000, 15_000]) {
      expect(await ask()).toEqual(probes(API));
      expect(await tell('probe-failed')).toEqual({ waitMs: pauseMs, isNew: false });
      expect(await ask()).toEqual(held(pauseMs));
      await time.pass(pauseMs);
    }
  });

  it('waits no longer, and takes no probe away, when another message than its probe fails', async () => {
    await tell('failed');
    await time.pass(PAUSE_MS - 300);
    for (let n = 0; n < 20; n += 1) expect(await tell('failed')).toEqual({ waitMs: 300, isNew: false });
    await time.pass(300);
    expect(await ask()).toEqual(probes(API));
    expect(await tell('failed')).toEqual({ waitMs: 1, isNew: false });
    expect(await ask()).toEqual(held(1000));
    expect((await tell('probe-failed')).waitMs).toBe(2 * PAUSE_MS);
  });

  it('lets a fresh message probe at once when one that was tried before has failed, and tried ones ever more rarely', async () => {
    await open();
    for (const waitMs of [2000, 4000, 8000, MAX_PAUSE_MS, MAX_PAUSE_MS]) {
      expect(await ask([API], true)).toEqual(probes(API));
      expect(await tell('tried-failed')).toEqual({ waitMs: 1, isNew: false });
      expect(await ask([API], true)).toEqual(held(waitMs));
      expect(await ask()).toEqual(probes(API));
      await tell('nothing');
      await time.pass(waitMs - 1);
      expect(await ask([API], true)).toEqual(held(1));
      await time.pass(1);
    }
  });

  it('does not double its pause for a message that was tried before', async () => {
    await open();
    await ask([API], true);
    await tell('tried-failed');
    await ask();
    expect((await tell('probe-failed')).waitMs).toBe(2 * PAUSE_MS);
  });

  it('lets another probe through at once when one has shown nothing', async () => {
    await open();
    expect(await ask()).toEqual(probes(API));
    expect(await ask()).toMatchObject({ verdict: 'hold' });
    expect(await tell('nothing')).toEqual({ waitMs: 1, isNew: false });
    expect(await ask()).toEqual(probes(API));
  });

  it('is not opened by a probe that has shown nothing', async () => {
    expect(await tell('nothing')).toEqual({ waitMs: 0, isNew: false });
    expect((await readCircuits(time.redis, NAMESPACE)).open).toEqual([]);
  });

  it('lets all messages leave when it is closed, and begins anew', async () => {
    await open();
    await ask();
    await tell('probe-failed');
    await closeCircuits(time.redis, NAMESPACE, [API]);
    expect(await ask()).toEqual({ verdict: 'go' });
    expect(await tell('failed')).toEqual({ waitMs: PAUSE_MS, isNew: true });
  });

  it('holds only messages that name it', async () => {
    await tell('failed', KEY);
    expect(await ask([KEY])).toEqual(held(PAUSE_MS));
    expect([await ask([]), await ask(['unauthorized key:two'])]).toEqual([{ verdict: 'go' }, { verdict: 'go' }]);
  });

  it('loses no probe to a message that another circuit holds', async () => {
    await tell('failed', KEY, { pauseMs: 5000 });
    await open();
    expect(await ask([API, KEY])).toEqual(held(4000));
    expect(await ask([API])).toEqual(probes(API));
  });

  it('is probed together with the others that are in the way', async () => {
    await open(KEY);
    await open();
    expect(await ask([API, KEY])).toEqual(probes(API, KEY));
    expect([await ask([API]), await ask([KEY])]).toEqual([held(1000), held(1000)]);
  });

  it('stays open when another one closes', async () => {
    await open(KEY);
    await open();
    await closeCircuits(time.redis, NAMESPACE, [API]);
    expect(await ask([API, KEY])).toEqual(probes(KEY));
  });

  it('is shown with its reason, its evidence and its times, also as they change', async () => {
    await tell('failed');
    const what = { scope: 'api', reason: 'api-down', what: 'HTTP 500', conversations: 5, field: API, isPaced: false };
    const { nowMs, open: first } = await readCircuits(time.redis, NAMESPACE);
    expect([nowMs, first]).toMatchObject([START, [{ ...what, since: START, probeAt: START + PAUSE_MS }]]);
    await time.pass(PAUSE_MS);
    const facts = { scope: 'api', reason: 'api-down', what: 'no answer', conversations: 6 } as const;
    await tell('probe-failed', API, { facts });
    const { open: next } = await readCircuits(time.redis, NAMESPACE);
    expect(next).toMatchObject([{ ...what, ...facts, since: START, probeAt: START + 3 * PAUSE_MS }]);
    expect((await readCircuits(time.redis, 'another')).open).toEqual([]);
  });

  it('of a key is shown with where the key comes from, and the pages that it stops', async () => {
    const facts = { scope: 'key', reason: 'unauthorized', what: 'HTTP 401', conversations: 1 } as const;
    await tell('failed', KEY, { facts: { ...facts, keySource: 'KITECHAT_API_KEY' } });
    await noteStopped(time.redis, NAMESPACE, KEY, ['p2', 'p1']);
    await noteStopped(time.redis, NAMESPACE, KEY, ['p2', 'p3']);
    const pages = { named: ['p1', 'p2', 'p3'], count: 3 };
    const shown = async () => (await readCircuits(time.redis, NAMESPACE)).open;
    expect(await shown()).toMatchObject([{ field: KEY, keySource: 'KITECHAT_API_KEY', pages }]);
    const many = Array.from({ length: 100 }, (_, n) => `q${n}`);
    await noteStopped(time.redis, NAMESPACE, KEY, many);
    expect((await shown())[0]?.pages).toMatchObject({ count: 103 });
    expect((await shown())[0]?.pages?.named).toHaveLength(20);
    await closeCircuits(time.redis, NAMESPACE, [KEY]);
    await tell('failed', KEY, { facts });
    expect(await shown()).toMatchObject([{ pages: { named: [], count: 0 } }]);
  });

  describe('when Redis’s clock steps back by an hour', () => {
    const stepBack = async (): Promise<void> => await time.step(-3_600_000);

    it('lets a probe leave at once, and another one if that is not heard of', async () => {
      await tell('failed');
      await stepBack();
      expect((await readCircuits(time.redis, NAMESPACE)).open).toMatchObject([{ probeAt: time.nowMs() }]);
      expect(await ask()).toEqual(probes(API));
      await stepBack();
      expect(await ask()).toEqual(probes(API));
      expect(await ask()).toEqual(held(1000));
    });

    it('keeps messages that were tried from probing no longer than without the step', async () => {
      await open();
      await ask([API], true);
      await tell('tried-failed');
      await stepBack();
      await time.pass(MAX_PAUSE_MS);
      expect(await ask([API], true)).toEqual(probes(API));
    });
  });

  it('sends no more probes than its pauses allow, whoever asks when', async () => {
    const anySteps = fc.array(fc.integer({ min: 0, max: 3000 }), { minLength: 1, maxLength: 60 });
    const property = fc.asyncProperty(anySteps, fc.infiniteStream(fc.boolean()), async (steps, losses) => {
      await time.begin();
      await tell('failed');
      let [pauseMs, mayProbeAt] = [PAUSE_MS, START + PAUSE_MS];
      for (const stepMs of steps) {
        await time.pass(stepMs);
        const { verdict } = await ask();
        expect(verdict).toBe(time.nowMs() >= mayProbeAt ? 'probe' : 'hold');
        if (verdict === 'hold') continue;
        const isLost = losses.next().value === true;
        if (!isLost) pauseMs = Math.min(2 * pauseMs, MAX_PAUSE_MS);
        mayProbeAt = time.nowMs() + (isLost ? PROBE_MS : pauseMs);
        if (!isLost) await tell('probe-failed');
      }
    });
    await fc.assert(property, { numRuns: 50 });
  });
});
