const UNITS_MS = { s: 1_000, min: 60_000, h: 3_600_000 } as const;
const LIMIT = /^\s*(\d{1,9}(?:\.\d{1,6})?)\s*\/\s*(s|min|h)(?:\s+burst\s+(\d{1,6}))?\s*$/;
/** 100,000 a second. */
const MIN_INTERVAL_MS = 0.01;
/** One a day. A lower limit is most likely a mistake, and would stop nearly all messages. */
const MAX_INTERVAL_MS = 86_400_000;
const MAX_BURST = 100_000;

/** The rule for the text of a limit. */
export const RATE_LIMIT_RULE =
  'must look like 50/s, 300/min, 1000/h or 50/s burst 10: at most 100000/s, at least one a day, with a burst from 1 to 100000';

/** The text for no limit. Set at run time, it overrides a limit of the variables. */
export const NO_LIMIT = 'none';

/** How fast messages may leave. */
export interface RateLimit {
  /** Number of messages per `unit`, as written in the text. */
  count: number;
  unit: keyof typeof UNITS_MS;
  /** Time between two messages; often a fraction. */
  intervalMs: number;
  /** Number of messages that may leave at once after a pause. */
  burst: number;
}

/**
 * Reads a limit; returns `null` if the text isn't one.
 *
 * @example
 * parseRateLimit('300/min burst 5'); // { count: 300, unit: 'min', intervalMs: 200, burst: 5 }
 */
export function parseRateLimit(text: string): RateLimit | null {
  const [, digits, unit, burstDigits = '1'] = LIMIT.exec(text) ?? [];
  if (!isUnit(unit)) return null;
  const count = Number(digits);
  const burst = Number(burstDigits);
  const intervalMs = UNITS_MS[unit] / count;
  const possible = intervalMs >= MIN_INTERVAL_MS && intervalMs <= MAX_INTERVAL_MS && burst >= 1 && burst <= MAX_BURST;
  return possible ? { count, unit, intervalMs, burst } : null;
}

/** Returns the normalized text of a limit: equal limits of the same unit have equal texts, and `parseRateLimit` reads them back. */
export function formatRateLimit({ count, unit, burst }: RateLimit): string {
  return `${count}/${unit}${burst === 1 ? '' : ` burst ${burst}`}`;
}

/** Whether two texts mean the same limit, such as `60/min` and `1/s`. A text that isn't a limit counts as `none`. */
export function isSameLimit(one: string, other: string): boolean {
  const [limit, otherLimit] = [parseRateLimit(one), parseRateLimit(other)];
  return limit?.intervalMs === otherLimit?.intervalMs && limit?.burst === otherLimit?.burst;
}

function isUnit(text: string | undefined): text is keyof typeof UNITS_MS {
  return text !== undefined && Object.hasOwn(UNITS_MS, text);
}
