import type { FleetFacts } from '../shared/lanes/fleet.ts';
import { NO_LIMIT } from '../shared/rate-limit.ts';

/** A limit that counts, and who says so. */
export interface EffectiveLimit {
  /** As it was written; `null` is no limit. */
  limit: string | null;
  isRunTime: boolean;
}

/** The limits that count; where none is set at run time each worker keeps to its variables, which are most likely those of this process. */
export function limitOf(
  { limits }: FleetFacts,
  { rateLimit, pageRateLimit }: { rateLimit?: string | undefined; pageRateLimit?: string | undefined },
): { fleet: EffectiveLimit; page: EffectiveLimit } {
  return { fleet: effective(limits.rate, rateLimit), page: effective(limits.pageRate, pageRateLimit) };
}

function effective(stored: string | null, variable: string | undefined): EffectiveLimit {
  if (stored !== null) return { limit: stored === NO_LIMIT ? null : stored, isRunTime: true };
  return { limit: variable ?? null, isRunTime: false };
}

/** `20/s (set at run time)`, `none`. */
export function describeLimit({ limit, isRunTime }: EffectiveLimit): string {
  const ofVariables = limit === null ? '' : ' (by the variables of this process)';
  return `${limit ?? 'none'}${isRunTime ? ' (set at run time)' : ofVariables}`;
}
