/**
 * Latencies as counts of classes, which can be added up over workers and buckets. A class is a quarter of an octave wide, so
 * a percentile is told to within a tenth.
 */
const CLASSES_PER_OCTAVE = 4;

/** The class that a latency counts in. */
export function latencyClass(durationMs: number): number {
  return durationMs <= 1 ? 0 : Math.ceil(CLASSES_PER_OCTAVE * Math.log2(durationMs));
}

/**
 * The latency that a share of all stay within, in ms.
 *
 * @param share 0.5 for the median
 * @returns `null` if nothing was counted
 */
export function percentileMs(countByClass: ReadonlyMap<number, number>, share: number): number | null {
  const classes = [...countByClass].toSorted(([one], [other]) => one - other);
  const total = classes.reduce((sum, [, count]) => sum + count, 0);
  let seen = 0;
  for (const [latency, count] of classes) {
    seen += count;
    if (count > 0 && seen >= share * total) return middleMs(latency);
  }
  return null;
}

function middleMs(latency: number): number {
  return latency === 0 ? 1 : 2 ** ((latency - 0.5) / CLASSES_PER_OCTAVE);
}
