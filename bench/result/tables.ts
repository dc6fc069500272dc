import { textTable } from '../../src/cli/terminal/table.ts';
import type { Benchmark, Limit, Measurement } from '../benchmark.ts';
import type { Round } from '../rounds.ts';
import { median, spread, type Spread } from './statistics.ts';
import { isJudged, type Verdict } from './verdict.ts';
import { threeDigits } from './three-digits.ts';

export interface BenchmarkResult {
  benchmark: Benchmark;
  sides: { baseline: string; subject: string };
  rounds: readonly Round[];
  verdict: Verdict;
  /** Of the details that are judged, too. */
  others: ReadonlyMap<string, Verdict>;
  /** Of the marks. */
  marks: ReadonlyMap<string, Verdict>;
}

/** The ratios that are judged, and the marks. */
export function ratioTable(results: readonly BenchmarkResult[]): string {
  return textTable([
    ['benchmark', 'ratio', 'spread', 'limit', 'rounds', ''],
    ...results.flatMap(({ benchmark, sides, rounds, verdict, others, marks }) => {
      const row = (what: string, limit: Limit, { ratio, holds }: Verdict) => [
        what,
        ratio.median.toFixed(2),
        `${ratio.min.toFixed(2)} to ${ratio.max.toFixed(2)}`,
        describeLimit(limit),
        rounds.length,
        describeVerdict(limit, holds),
      ];
      const { name, limit, also = {} } = benchmark;
      return [
        row(`${name}: ${sides.subject} / ${sides.baseline}`, limit, verdict),
        ...Array.from(others, ([detail, other]) => row(`  ${detail}`, also[detail] ?? {}, other)),
        ...Array.from(marks, ([detail, mark]) =>
          row(`  ${detail} of ${sides.subject}`, benchmark.marks?.[detail] ?? {}, mark),
        ),
      ];
    }),
  ]);
}

/** What the ratios are made of. Times of this machine: for reading, not for judging. */
export function sidesTable(results: readonly BenchmarkResult[]): string {
  return textTable([
    ['benchmark', 'side', 'median', 'spread', 'unit', 'beside it (medians)'],
    ...results.flatMap(({ benchmark, sides, rounds }) =>
      (['baseline', 'subject'] as const).map((role) => {
        const measured = rounds.map((round) => round[role]);
        const values = spread(measured.map(({ value }) => value));
        return [
          benchmark.name,
          sides[role],
          threeDigits(values.median),
          describeSpread(values),
          benchmark.unit,
          describeDetails(measured),
        ];
      }),
    ),
  ]);
}

export function describeLimit({ atLeast, atMost }: Limit): string {
  const parts = [...(atLeast === undefined ? [] : [`≥ ${atLeast}`]), ...(atMost === undefined ? [] : [`≤ ${atMost}`])];
  return parts.length === 0 ? 'none' : parts.join(', ');
}

function describeVerdict(limit: Limit, holds: boolean): string {
  if (!isJudged(limit)) return '';
  return holds ? 'holds' : 'BROKEN';
}

function describeSpread({ min, max }: Spread): string {
  return `${threeDigits(min)} to ${threeDigits(max)}`;
}

function describeDetails(measured: readonly Measurement[]): string {
  return Object.keys(measured[0]?.details ?? {})
    .map((name) => `${name} ${threeDigits(median(measured.map(({ details }) => details[name] ?? Number.NaN)))}`)
    .join(', ');
}
