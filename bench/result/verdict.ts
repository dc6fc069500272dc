import type { Limit } from '../benchmark.ts';
import type { Round } from '../rounds.ts';
import { spread, type Spread } from './statistics.ts';

export interface Verdict {
  /** Of the rounds' ratios; the median is judged. */
  ratio: Spread;
  holds: boolean;
}

/** Each round gives its own ratio: what disturbs the machine for a while then hits both of its parts. */
export function judge(rounds: readonly Round[], limit: Limit): Verdict {
  const ratio = spread(rounds.map(({ baseline, subject }) => subject.value / baseline.value));
  return { ratio, holds: isWithin(ratio.median, limit) };
}

/** A ratio that is no number, as after a round that measured nothing, is within no limit. */
function isWithin(ratio: number, limit: Limit): boolean {
  return 'atMost' in limit ? ratio <= limit.atMost : ratio >= limit.atLeast && Number.isFinite(ratio);
}
