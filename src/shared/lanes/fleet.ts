import type { RedisClient } from '../redis-cluster.ts';
import { fleetRoot } from '../keys.ts';
import { parseRateLimit, type RateLimit } from '../rate-limit.ts';
import { readTimeMs } from '../redis-time.ts';
import type { LaneRedis } from './commands.ts';

/** A circuit that is open: the API's, or that of a key. */
export interface OpenCircuit {
  /** `api`, or `key:<fingerprint>`. */
  name: string;
  /** On Redis's clock: when the next probe may leave. */
  probeAt: number;
  reason: 'api-down' | 'unauthorized';
}

/** What all workers share. */
export interface FleetFacts {
  /** On Redis's clock. */
  nowMs: number;
  /** The limits that were set at run time, as text; `null` where the variables count. */
  limits: StoredLimits;
  circuits: OpenCircuit[];
}

export interface StoredLimits {
  rate: string | null;
  pageRate: string | null;
}

export type GateAnswer = { verdict: 'go' | 'probe' } | { verdict: 'slot' | 'hold'; delayMs: number };

export interface Observation {
  circuit: string;
  reason: OpenCircuit['reason'];
  /** `nothing` gives up a probe that came to nothing. */
  result: 'ok' | 'failed' | 'nothing';
  /** The message. */
  id: string;
  isProbe: boolean;
  /** Successes that were not told yet. */
  successes: number;
  /** Failures of different messages that open the circuit. */
  threshold: number;
  pauseMs: number;
  maxPauseMs: number;
  /** Whether this failure opens it anyway. */
  isSure: boolean;
}

const keysOf = (namespace: string) => {
  const root = fleetRoot(namespace);
  return { root, circuits: `${root}circuits`, limits: `${root}limits`, arrival: `${root}rate` };
};

export async function readFleet(redis: RedisClient, namespace: string): Promise<FleetFacts> {
  const keys = keysOf(namespace);
  const [nowMs, limits, circuits] = await Promise.all([
    readTimeMs(redis, keys.root),
    readLimits(redis, namespace),
    redis.hgetall(keys.circuits),
  ]);
  return {
    nowMs,
    limits,
    circuits: Object.entries(circuits).map(([name, text]) => {
      const [probeAt, , , reason] = text.split(' ');
      return { name, probeAt: Number(probeAt), reason: reason as OpenCircuit['reason'] };
    }),
  };
}

/** Asks for leave to send, as far as the fleet's limit and the circuits in the message's way are concerned. */
export async function askGate(
  redis: LaneRedis,
  namespace: string,
  { limit, probeMs, circuits }: { limit: RateLimit | null; probeMs: number; circuits: readonly string[] },
): Promise<GateAnswer> {
  const keys = keysOf(namespace);
  const reply = await redis.fleetGate(
    keys.circuits,
    keys.arrival,
    keys.limits,
    limit?.intervalMs ?? '',
    limit?.burst ?? '',
    probeMs,
    ...circuits,
  );
  const [verdict, delayMs] = reply as [GateAnswer['verdict'], number?];
  return verdict === 'go' || verdict === 'probe' ? { verdict } : { verdict, delayMs: delayMs ?? 0 };
}

/** Tells what a request has shown. @returns the ms until the next probe if the circuit is open, or 0. */
export async function tellFleet(redis: LaneRedis, namespace: string, observation: Observation): Promise<number> {
  const { circuit } = observation;
  const keys = keysOf(namespace);
  const reply = await redis.fleetNote(
    keys.circuits,
    `${keys.root}failures:${circuit}`,
    `${keys.root}successes:${circuit}`,
    circuit,
    observation.result,
    observation.isProbe ? 1 : 0,
    observation.id,
    observation.successes,
    observation.threshold,
    observation.reason,
    observation.pauseMs,
    observation.maxPauseMs,
    observation.isSure ? 1 : 0,
  );
  return reply as number;
}

export async function forgetCircuits(redis: RedisClient, namespace: string, names: readonly string[]): Promise<void> {
  await redis.hdel(keysOf(namespace).circuits, ...names);
}

export async function readLimits(redis: RedisClient, namespace: string): Promise<StoredLimits> {
  const [rate, pageRate] = await redis.hmget(keysOf(namespace).limits, 'rate', 'pageRate');
  return { rate: rate ?? null, pageRate: pageRate ?? null };
}

/** Sets limits for the whole fleet; `null` gives the variables their say again, what is left out stays as it is. */
export async function writeLimits(
  redis: RedisClient,
  namespace: string,
  changes: Partial<StoredLimits>,
): Promise<void> {
  const { limits } = keysOf(namespace);
  const transaction = redis.multi();
  for (const [name, text] of Object.entries(changes)) {
    transaction.hdel(limits, name, `${name}IntervalMs`, `${name}Burst`);
    if (text === null) continue;
    const limit = parseRateLimit(text);
    transaction.hset(
      limits,
      name,
      text,
      `${name}IntervalMs`,
      limit?.intervalMs ?? '',
      `${name}Burst`,
      limit?.burst ?? '',
    );
  }
  await transaction.exec();
}
