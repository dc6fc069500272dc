/** A limit that arrival times, in ms, are compared with. */
export interface Pace {
  perSecond: number;
  burst: number;
}

/** The maximum number of arrivals in any span of this length. */
export function mostWithin(arrivals: readonly number[], spanMs: number): number {
  let most = 0;
  let first = 0;
  for (const [last, at] of arrivals.entries()) {
    while (at - (arrivals[first] ?? at) >= spanMs) first += 1;
    most = Math.max(most, last - first + 1);
  }
  return most;
}

/** Allows a tenth more in one second: wake-ups can be late, so messages that were granted evenly arrive less evenly. */
export function tooFast(arrivals: readonly number[], { perSecond, burst }: Pace): string[] {
  const most = mostWithin(arrivals, 1000);
  const allowed = 1.1 * perSecond + burst;
  return most > allowed ? [`${most} arrived within a second, ${allowed} are allowed`] : [];
}

/** The average rate between the first and the last arrival. */
export function perSecondOf(arrivals: readonly number[]): number {
  const first = arrivals[0] ?? 0;
  const last = arrivals.at(-1) ?? 0;
  return ((arrivals.length - 1) * 1000) / (last - first);
}

/** The longest time without an arrival that began between these times. */
export function longestGapMs(arrivals: readonly number[], fromMs: number, toMs: number): number {
  let longest = 0;
  let before = fromMs;
  for (const at of arrivals) {
    if (at < fromMs) continue;
    longest = Math.max(longest, at - before);
    if (at > toMs) break;
    before = at;
  }
  return Math.round(longest);
}
