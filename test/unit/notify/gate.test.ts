import { describe, expect, it } from 'vitest';
import { createGate, type Gate } from '../../../src/notify/gate.ts';
import type { Result } from '../../../src/notify/judge.ts';

const backoff = { backoffMs: 1000, backoffMaxMs: 60_000 };
/** The longest wait. */
const unlucky = (): number => 1;

function pass(gate: Gate, result: Result, nowMs: number, retryAfterMs: number | null = null): void {
  gate.end(gate.begin(), result, { nowMs, retryAfterMs });
}

describe('the gate', () => {
  it('closes at once when the receiver can not be reached or asks to wait', () => {
    for (const result of ['unreachable', 'later'] as const) {
      const gate = createGate(backoff, unlucky);
      pass(gate, result, 0);
      expect(gate.isOpen()).toBe(false);
      expect(gate.mayBegin(999)).toBe(false);
      expect(gate.mayBegin(1000)).toBe(true);
    }
  });

  it('closes after five failures in a row, but not if events are accepted in between', () => {
    const gate = createGate(backoff, unlucky);
    for (let time = 0; time < 4; time += 1) pass(gate, 'failed', time);
    pass(gate, 'accepted', 5);
    for (let time = 0; time < 4; time += 1) pass(gate, 'failed', time);
    expect(gate.isOpen()).toBe(true);
    pass(gate, 'failed', 6);
    expect(gate.isOpen()).toBe(false);
  });

  it('lets one probe through at a time, later and later, until the receiver answers', () => {
    const gate = createGate(backoff, unlucky);
    pass(gate, 'unreachable', 0);
    let nowMs = 0;
    const waits: number[] = [];
    for (let probe = 0; probe < 8; probe += 1) {
      const opensAt = gate.opensAtMs() ?? Number.NaN;
      waits.push(opensAt - nowMs);
      nowMs = opensAt;
      expect(gate.begin()).toBe(true);
      expect(gate.mayBegin(nowMs)).toBe(false);
      expect(gate.opensAtMs()).toBe(null);
      gate.end(true, 'failed', { nowMs, retryAfterMs: null });
    }
    expect(waits).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]);
    pass(gate, 'refused', nowMs);
    expect(gate.isOpen()).toBe(true);
  });

  it('stays closed for as long as Retry-After asks', () => {
    const gate = createGate(backoff, () => 0);
    pass(gate, 'failed', 0, 120_000);
    expect(gate.opensAtMs()).toBe(120_000);
  });

  it('does not wait longer because requests fail that were under way when it closed', () => {
    const gate = createGate(backoff, unlucky);
    gate.begin();
    gate.begin();
    gate.end(false, 'unreachable', { nowMs: 0, retryAfterMs: null });
    gate.end(false, 'unreachable', { nowMs: 10, retryAfterMs: null });
    expect(gate.opensAtMs()).toBe(1000);
  });
});
