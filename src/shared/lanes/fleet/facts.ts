import type { RedisClient } from '../../redis/cluster.ts';
import { type Circuits, readCircuits } from './circuits.ts';
import { type FleetLimits, readLimits } from './limits.ts';

/** The state that all workers share. */
export interface FleetFacts extends Circuits {
  limits: FleetLimits;
}

export async function readFleet(redis: RedisClient, namespace: string): Promise<FleetFacts> {
  const [limits, circuits] = await Promise.all([readLimits(redis, namespace), readCircuits(redis, namespace)]);
  return { ...circuits, limits };
}
