/**
 * Arrivals per second between `fromMs` and the last arrival but `leftOut`: at the end there is no longer work for every
 * slot, which says nothing about the pace.
 *
 * @throws if nothing is left to count.
 */
export function steadyPerSecond(arrivalsMs: readonly number[], fromMs: number, leftOut: number): number {
  const counted = arrivalsMs
    .toSorted((a, b) => a - b)
    .slice(0, arrivalsMs.length - leftOut)
    .filter((atMs) => atMs > fromMs);
  const last = counted.at(-1);
  if (last === undefined) throw new RangeError('too few messages: nothing arrived between the start and the end');
  return (counted.length / (last - fromMs)) * 1000;
}
