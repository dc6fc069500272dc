import type { FleetFacts } from '../../shared/lanes/fleet/facts.ts';
import { limitInForce, type LimitInForce } from '../../shared/lanes/fleet/limits.ts';

export type { LimitInForce as EffectiveLimit };

/** The limits in force. */
export function limitOf(
  { limits }: FleetFacts,
  { rateLimit, pageRateLimit }: { rateLimit?: string | undefined; pageRateLimit?: string | undefined },
): { fleet: LimitInForce; page: LimitInForce } {
  return { fleet: limitInForce(limits, 'rate', rateLimit), page: limitInForce(limits, 'pageRate', pageRateLimit) };
}

/** `20/s (set at run time)`, `none`. */
export function describeLimit({ limit, from, inForce }: LimitInForce): string {
  const text = limit ?? 'none';
  if (from === 'run-time') return `${text} (set at run time)`;
  if (!inForce) return `${text} (from the variables of this process; no worker has started yet)`;
  return from === 'variable' ? `${text} (from the variables of the workers)` : text;
}
