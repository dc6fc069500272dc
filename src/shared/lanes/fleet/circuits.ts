import type { RedisClient } from '../../redis/cluster.ts';
import { fleetRoot } from '../keys.ts';
import { readTimeMs } from '../../redis/time.ts';
import type { LaneRedis } from '../commands.ts';

/** A circuit that is open: the API's, or that of a key. */
export interface OpenCircuit {
  /** `api`, or `key:<fingerprint>`. */
  name: string;
  /** On Redis's clock: when the next probe may leave. */
  probeAt: number;
  reason: 'api-down' | 'unauthorized';
}

export interface Circuits {
  /** On Redis's clock. */
  nowMs: number;
  open: OpenCircuit[];
}

/** Whether a request may leave: `probe` finds out if a circuit can be closed. */
export type GateAnswer = { verdict: 'go' | 'probe' } | { verdict: 'hold'; delayMs: number };

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

export async function readCircuits(redis: RedisClient, namespace: string): Promise<Circuits> {
  const [nowMs, circuits] = await Promise.all([
    readTimeMs(redis, fleetRoot(namespace)),
    redis.hgetall(circuitsKey(namespace)),
  ]);
  const open = Object.entries(circuits).map(([name, text]) => {
    const [probeAt, pauseMs, , reason] = text.split(' ');
    // Further ahead than the pause: Redis's clock has stepped back since, and the probe is due.
    const isPossible = Number(probeAt) <= nowMs + Number(pauseMs);
    return { name, probeAt: isPossible ? Number(probeAt) : nowMs, reason: reason as OpenCircuit['reason'] };
  });
  return { nowMs, open };
}

/** Asks for leave to send, as far as the circuits in the message's way are concerned. */
export async function askGate(
  redis: LaneRedis,
  namespace: string,
  { probeMs, circuits }: { probeMs: number; circuits: readonly string[] },
): Promise<GateAnswer> {
  const reply = await redis.fleetGate(circuitsKey(namespace), probeMs, ...circuits);
  const [verdict, delayMs] = reply as [GateAnswer['verdict'], number?];
  return verdict === 'hold' ? { verdict, delayMs: delayMs ?? 0 } : { verdict };
}

/** Tells what a request has shown. @returns the ms until the next probe if the circuit is open, or 0. */
export async function tellCircuit(redis: LaneRedis, namespace: string, observation: Observation): Promise<number> {
  const { circuit } = observation;
  const root = fleetRoot(namespace);
  const reply = await redis.fleetNote(
    circuitsKey(namespace),
    `${root}failures:${circuit}`,
    `${root}successes:${circuit}`,
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
  await redis.hdel(circuitsKey(namespace), ...names);
}

function circuitsKey(namespace: string): string {
  return `${fleetRoot(namespace)}circuits`;
}
