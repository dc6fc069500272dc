import type { Benchmark, Limit, Measurement } from '../benchmark.ts';
import type { Round } from '../rounds.ts';
import { spread, type Spread } from './statistics.ts';

export interface Verdict {
  /** Of the rounds' ratios, or of the subject's numbers where a mark is judged. The median is judged. */
  ratio: Spread;
  holds: boolean;
}

/** The verdicts on those details that are judged, too, by their names. */
export function judgeDetails(rounds: readonly Round[], { also = {} }: Pick<Benchmark, 'also'>): Map<string, Verdict> {
  return new Map(
    Object.entries(also).map(([name, limit]) => [
      name,
      judge(rounds, limit, ({ details }) => details[name] ?? Number.NaN),
    ]),
  );
}

/** The verdicts on the marks of the subject's own details, by their names. */
export function judgeMarks(rounds: readonly Round[], { marks = {} }: Pick<Benchmark, 'marks'>): Map<string, Verdict> {
  return new Map(
    Object.entries(marks).map(([name, limit]) => {
      const numbers = spread(rounds.map(({ subject }) => subject.details[name] ?? Number.NaN));
      return [name, { ratio: numbers, holds: isWithin(numbers.median, limit) }];
    }),
  );
}

/** Each round gives its own ratio: what disturbs the machine for a while then hits both of its parts. */
export function judge(
  rounds: readonly Round[],
  limit: Limit,
  numberOf: (measured: Measurement) => number = ({ value }) => value,
): Verdict {
  const ratio = spread(rounds.map(({ baseline, subject }) => numberOf(subject) / numberOf(baseline)));
  return { ratio, holds: isWithin(ratio.median, limit) };
}

/** Whether a limit says anything at all. */
export function isJudged({ atLeast, atMost }: Limit): boolean {
  return atLeast !== undefined || atMost !== undefined;
}

/** What is no number, as a ratio after a round that measured nothing, is within no limit that says something. */
function isWithin(ratio: number, limit: Limit): boolean {
  if (!isJudged(limit)) return true;
  const { atLeast = -Infinity, atMost = Number.MAX_VALUE } = limit;
  return ratio >= atLeast && ratio <= atMost;
}
