export interface Spread {
  min: number;
  median: number;
  max: number;
}

/** The value below or at which so many percent of all values are: always one of them (nearest rank). */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const rank = Math.ceil((percent / 100) * sorted.length);
  const value = sorted[Math.max(0, rank - 1)];
  if (value === undefined) throw new RangeError('there is no percentile of no values');
  return value;
}

/** The value in the middle; of an even number of values the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.slice(Math.ceil(sorted.length / 2) - 1, Math.floor(sorted.length / 2) + 1);
  const [low, high = low] = middle;
  if (low === undefined || high === undefined) throw new RangeError('there is no median of no values');
  // Adding 0 makes -0 of two halves of -0 the 0 that everyone means.
  return (low + high) / 2 + 0;
}

export function spread(values: readonly number[]): Spread {
  return { min: percentile(values, 0), median: median(values), max: percentile(values, 100) };
}
