import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { latencyClass, percentileMs } from '../../../src/shared/reading/traffic.ts';

function counted(latencies: readonly number[]): Map<number, number> {
  const counts = new Map<number, number>();
  for (const ms of latencies) counts.set(latencyClass(ms), (counts.get(latencyClass(ms)) ?? 0) + 1);
  return counts;
}

describe('latencies in classes', () => {
  it('give percentiles to within a tenth, whatever the latencies', () => {
    const latency = fc.integer({ min: 1, max: 600_000 });
    const share = fc.constantFrom(0.01, 0.5, 0.95, 1);
    fc.assert(
      fc.property(fc.array(latency, { minLength: 1, maxLength: 200 }), share, (latencies, part) => {
        const sorted = latencies.toSorted((a, b) => a - b);
        const exact = sorted[Math.ceil(part * sorted.length) - 1] ?? Number.NaN;
        const told = percentileMs(counted(latencies), part) ?? Number.NaN;
        expect(told / exact).toBeGreaterThan(0.9);
        expect(told / exact).toBeLessThan(1.1);
      }),
    );
  });

  it('know no percentile of nothing', () => {
    expect(percentileMs(new Map(), 0.5)).toBeNull();
    expect(percentileMs(new Map([[3, 0]]), 0.5)).toBeNull();
  });

  it('are few: what takes ten minutes is in class 77', () => {
    expect([latencyClass(0.2), latencyClass(1), latencyClass(600_000)]).toEqual([0, 0, 77]);
  });
});
