import type { RedisClient } from '../../redis/cluster.ts';
import { type OpenCircuit, readCircuits } from './circuits.ts';
import { type FleetLimits, readLimits } from './limits.ts';

/** The state that all workers share. */
export interface FleetFacts {
  /** On Redis's clock. */
  nowMs: number;
  limits: FleetLimits;
  circuits: OpenCircuit[];
}

export async function readFleet(redis: RedisClient, namespace: string): Promise<FleetFacts> {
  const [limits, { nowMs, open }] = await Promise.all([readLimits(redis, namespace), readCircuits(redis, namespace)]);
  return { nowMs, limits, circuits: open };
}
