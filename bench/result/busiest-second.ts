const SECOND_MS = 1000;

/** Returns the most moments within any second, wherever the second begins. */
export function mostInASecond(timesMs: readonly number[]): number {
  const sorted = timesMs.toSorted((a, b) => a - b);
  let first = 0;
  let most = 0;
  for (const [index, atMs] of sorted.entries()) {
    while (atMs - (sorted[first] ?? atMs) >= SECOND_MS) first += 1;
    most = Math.max(most, index - first + 1);
  }
  return most;
}
