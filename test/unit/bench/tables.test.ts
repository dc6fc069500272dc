import { describe, expect, it } from 'vitest';
import type { Limit } from '../../../bench/benchmark.ts';
import { type BenchmarkResult, ratioTable, sidesTable } from '../../../bench/result/tables.ts';
import { judge, judgeDetails, judgeMarks } from '../../../bench/result/verdict.ts';

const also = { waiting: { atLeast: 2 } };
const marks = { waiting: { atMost: 12_000 } };

function resultWith(limit: Limit): BenchmarkResult {
  const rounds = [
    { baseline: { value: 10, details: { waiting: 5001 } }, subject: { value: 25, details: { waiting: 15_003 } } },
    { baseline: { value: 20, details: { waiting: 5001 } }, subject: { value: 40, details: { waiting: 10_002 } } },
  ];
  return {
    benchmark: {
      name: 'delay',
      measures: 'how long it takes',
      unit: 'ms',
      limit,
      also,
      marks,
      prepare: async () => await Promise.reject(new Error('it has run')),
    },
    sides: { baseline: 'idle', subject: 'busy' },
    rounds,
    verdict: judge(rounds, limit),
    others: judgeDetails(rounds, { also }),
    marks: judgeMarks(rounds, { marks }),
  };
}

describe('the table of ratios', () => {
  it('shows which sides were divided, the median, the spread and the limit', () => {
    expect(ratioTable([resultWith({ atMost: 3 })]).split('\n')[1]).toMatch(
      /^delay: busy \/ idle +2\.25 +2\.00 to 2\.50 +≤ 3 +2 +holds$/,
    );
  });

  it('shows details that are judged, too', () => {
    expect(ratioTable([resultWith({})]).split('\n')[2]).toMatch(/^ {2}waiting +2\.50 +2\.00 to 3\.00 +≥ 2 +2 +holds$/);
  });

  it("shows the marks of the subject's own numbers", () => {
    expect(ratioTable([resultWith({})]).split('\n')[3]).toMatch(
      /^ {2}waiting of busy +12502\.50 +10002\.00 to 15003\.00 +≤ 12000 +2 +BROKEN$/,
    );
  });

  it('cries out when a limit is broken', () => {
    expect(ratioTable([resultWith({ atLeast: 2.5 })])).toMatch(/≥ 2\.5 +2 +BROKEN$/m);
  });
});

describe('the table of sides', () => {
  it('shows what both sides came to, in their unit, and what was noted beside it', () => {
    const [, idle, busy] = sidesTable([resultWith({ atMost: 3 })]).split('\n');
    expect(idle).toMatch(/^delay +idle +15\.0 +10\.0 to 20\.0 +ms +waiting 5001$/);
    expect(busy).toMatch(/^delay +busy +32\.5 +25\.0 to 40\.0 +ms +waiting 12503$/);
  });
});
