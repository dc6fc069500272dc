/** When messages arrived, in ms, judged against a limit. */
export interface Pace {
  perSecond: number;
  burst: number;
}

/** The most arrivals in any span of this length. */
export function mostWithin(arrivals: readonly number[], spanMs: number): number {
  let most = 0;
  let first = 0;
  for (const [last, at] of arrivals.entries()) {
    while (at - (arrivals[first] ?? at) >= spanMs) first += 1;
    most = Math.max(most, last - first + 1);
  }
  return most;
}

/** A wake-up can be late, so what was granted evenly arrives only nearly so: a tenth more in one second is let pass. */
export function tooFast(arrivals: readonly number[], { perSecond, burst }: Pace): string[] {
  const most = mostWithin(arrivals, 1000);
  const allowed = 1.1 * perSecond + burst;
  return most > allowed ? [`${most} arrived within a second, ${allowed} are allowed`] : [];
}

/** Between the first and the last, on the average. */
export function perSecondOf(arrivals: readonly number[]): number {
  const first = arrivals[0] ?? 0;
  const last = arrivals.at(-1) ?? 0;
  return ((arrivals.length - 1) * 1000) / (last - first);
}
