import type { Measurement } from '../benchmark.ts';
import type { Machine, Versions } from './machine.ts';
import { median, spread, type Spread } from './statistics.ts';
import { type BenchmarkResult, describeLimit } from './tables.ts';
import { isJudged, type Verdict } from './verdict.ts';

/** Where and with what something was measured. */
export interface Circumstances {
  machine: Machine;
  versions: Versions;
  commit: string;
}

interface RatioRecord {
  /** `null`: it could not be told. */
  median: number | null;
  min: number | null;
  max: number | null;
  limit: string;
  /** `null`: nothing is asked of it. */
  holds: boolean | null;
}

export interface SideRecord {
  name: string;
  value: Spread;
  /** Medians of what was noted beside it. */
  details: Record<string, number>;
}

/** A benchmark as it is kept. */
export interface BenchmarkRecord extends Circumstances {
  measures: string;
  unit: string;
  rounds: number;
  baseline: SideRecord;
  subject: SideRecord;
  ratio: RatioRecord;
  /** The ratios of details that are compared, too. */
  also: Record<string, RatioRecord>;
  /** The marks of the subject's own details. */
  marks?: Record<string, RatioRecord>;
}

/** By the name of the benchmark. */
export type Records = Record<string, BenchmarkRecord>;

export function recordOf(result: BenchmarkResult, circumstances: Circumstances): BenchmarkRecord {
  const { benchmark, sides, rounds, verdict, others, marks } = result;
  const { measures, unit, limit, also = {}, marks: asked = {} } = benchmark;
  const ratioOf = ({ ratio, holds }: Verdict, bounds: typeof limit): RatioRecord => ({
    median: rounded(ratio.median),
    min: rounded(ratio.min),
    max: rounded(ratio.max),
    limit: describeLimit(bounds),
    holds: isJudged(bounds) ? holds : null,
  });
  return {
    measures,
    unit,
    rounds: rounds.length,
    baseline: sideOf(
      sides.baseline,
      rounds.map(({ baseline }) => baseline),
    ),
    subject: sideOf(
      sides.subject,
      rounds.map(({ subject }) => subject),
    ),
    ratio: ratioOf(verdict, limit),
    also: Object.fromEntries(Array.from(others, ([name, other]) => [name, ratioOf(other, also[name] ?? {})])),
    ...(marks.size > 0 && {
      marks: Object.fromEntries(Array.from(marks, ([name, mark]) => [name, ratioOf(mark, asked[name] ?? {})])),
    }),
    ...circumstances,
  };
}

function sideOf(name: string, measured: readonly Measurement[]): SideRecord {
  const names = Object.keys(measured[0]?.details ?? {});
  const medianOf = (detail: string): number => median(measured.map(({ details }) => details[detail] ?? Number.NaN));
  return {
    name,
    value: spread(measured.map(({ value }) => value)),
    details: Object.fromEntries(names.map((detail) => [detail, medianOf(detail)])),
  };
}

function rounded(ratio: number): number | null {
  return Number.isFinite(ratio) ? Math.round(ratio * 1000) / 1000 : null;
}
