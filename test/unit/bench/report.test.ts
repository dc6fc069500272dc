import { describe, expect, it } from 'vitest';
import { barChart } from '../../../bench/report/bar-chart.ts';
import { resultsMarkdown } from '../../../bench/report/markdown.ts';
import { replaceBetweenMarkers } from '../../../bench/report/markers.ts';
import { processorBars } from '../../../bench/report/processor-bars.ts';
import { type BenchmarkRecord, recordOf } from '../../../bench/result/record.ts';
import { judge, judgeDetails, judgeMarks } from '../../../bench/result/verdict.ts';

const circumstances = {
  machine: { cpu: 'Fast', cores: 2, node: 'v24', redis: '7', postgres: '15' },
  versions: { ky: '2.1.0' },
  commit: 'abc',
};

function recordWith(baseline: string, baselineUs: number, ourUs: number): BenchmarkRecord {
  const rounds = [
    {
      baseline: { value: baselineUs, details: { 'store µs': 30 } },
      subject: { value: ourUs, details: { 'store µs': 60 } },
    },
  ];
  const benchmark = {
    name: 'drain',
    measures: 'what | it costs',
    unit: 'µs',
    limit: { atMost: 0.5 },
    also: { 'store µs': {} },
    marks: { 'store µs': { atMost: 50 } },
    prepare: async () => await Promise.reject(new Error('it has run')),
  };
  const sides = { baseline, subject: 'ours' };
  const verdict = judge(rounds, benchmark.limit);
  const others = judgeDetails(rounds, benchmark);
  const marks = judgeMarks(rounds, benchmark);
  return recordOf({ benchmark, sides, rounds, verdict, others, marks }, circumstances);
}

describe('a record', () => {
  it('keeps ratios with their verdicts, and no verdict where nothing is asked', () => {
    const { ratio, also, marks } = recordWith('theirs', 100, 90);
    expect(ratio).toEqual({ median: 0.9, min: 0.9, max: 0.9, limit: '≤ 0.5', holds: false });
    expect(also['store µs']).toEqual({ median: 2, min: 2, max: 2, limit: 'none', holds: null });
    expect(marks?.['store µs']).toEqual({ median: 60, min: 60, max: 60, limit: '≤ 50', holds: false });
  });

  it('keeps no ratio that is no number', () => {
    expect(recordWith('theirs', 0, 90).ratio.median).toBeNull();
  });
});

describe('the results on the page', () => {
  const records = { 'drain-theirs-0ms': recordWith('theirs', 100, 40) };

  it('stand between the markers, and what is around them stays', () => {
    const start = '<!-- results: written by npm run bench:report -->';
    const end = '<!-- end of results -->';
    const once = replaceBetweenMarkers(`before\n${start}\nold\n${end}\nafter\n`, 'new');
    expect(once).toBe(`before\n${start}\n\nnew\n\n${end}\nafter\n`);
    expect(replaceBetweenMarkers(once, 'new')).toBe(once);
    expect(() => replaceBetweenMarkers('before\nafter\n', 'new')).toThrow('there is no "<!-- results');
  });

  it('say where they were measured, and show both sides of each benchmark', () => {
    const lines = resultsMarkdown(records, null).split('\n');
    expect(lines[0]).toBe('Measured on Fast, 2 cores, Node v24, Redis 7, PostgreSQL 15, ky 2.1.0; commit abc.');
    expect(lines).toContain(
      '| `drain-theirs-0ms` | 0.40 | 0.40 to 0.40 | ≤ 0.5 | 1 | theirs: 100 µs | ours: 40.0 µs |',
    );
    expect(lines).toContain('| – store µs | 2.00 | 2.00 to 2.00 |  |  | 30.0 | 60.0 |');
    expect(lines).toContain('| – store µs, ours alone | 60.00 | 60.00 to 60.00 | ≤ 50 (broken) |  |  | 60.0 |');
  });

  it('name what is out of its limit', () => {
    expect(resultsMarkdown({ drain: recordWith('theirs', 100, 90) }, null)).toContain('| ≤ 0.5 (broken) |');
  });
});

describe('the chart', () => {
  const records = {
    'drain-slow-0ms': recordWith('slow <1>', 300, 100),
    'drain-quick-0ms': recordWith('quick', 50, 120),
    'drain-quick-20000-conversations-0ms': recordWith('another workload', 50, 120),
    'drain-slow-20ms': recordWith('another latency', 50, 120),
  };

  it('has a bar for everyone who drained the same workload, the cheapest first, and ours once', () => {
    expect(processorBars(records)).toEqual([
      { label: 'quick', parts: [50, 30], stressed: false },
      { label: 'ours', parts: [110, 60], stressed: true },
      { label: 'slow <1>', parts: [300, 30], stressed: false },
    ]);
    expect(processorBars({})).toEqual([]);
  });

  it('draws bars as long as their numbers say, and names that are no markup', () => {
    const svg = barChart({ title: 'Costs', series: ['worker', 'store'], bars: processorBars(records) });
    expect(svg).toContain('slow &lt;1&gt;');
    const widths = Array.from(svg.matchAll(/class="part-0" x="190\.0" y="\d+" width="([\d.]+)"/g), ([, width]) =>
      Number(width),
    );
    expect(widths).toHaveLength(3);
    expect((widths[2] ?? 0) / (widths[0] ?? 1)).toBeCloseTo(6, 1);
  });
});
