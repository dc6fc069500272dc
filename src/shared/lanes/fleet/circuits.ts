import type { RedisClient } from '../../redis/cluster.ts';
import { fleetRoot } from '../key-names.ts';
import { readTimeMs } from '../../redis/time.ts';
import type { LaneRedis } from '../commands.ts';

/** An open circuit, of the API or of a key. */
export interface OpenCircuit {
  /** `api`, or `key:<fingerprint>`. */
  name: string;
  /** When the next probe may leave, on Redis's clock. */
  probeAt: number;
  reason: 'api-down' | 'unauthorized';
}

export interface Circuits {
  /** On Redis's clock. */
  nowMs: number;
  open: OpenCircuit[];
}

/** Whether a request may leave; with `probe` it leaves to find out if the circuit can be closed. */
export type GateAnswer = { verdict: 'go' | 'probe' } | { verdict: 'hold'; delayMs: number };

export interface Observation {
  circuit: string;
  reason: OpenCircuit['reason'];
  /** `nothing` gives up a probe that showed nothing. */
  result: 'ok' | 'failed' | 'nothing';
  /** The id of the message. */
  id: string;
  isProbe: boolean;
  /** Number of successes that were not reported yet. */
  successes: number;
  /** Number of different messages whose failures open the circuit. */
  threshold: number;
  pauseMs: number;
  maxPauseMs: number;
  /** Whether this failure opens the circuit whatever the threshold. */
  isSure: boolean;
}

export async function readCircuits(redis: RedisClient, namespace: string): Promise<Circuits> {
  const [nowMs, circuits] = await Promise.all([
    readTimeMs(redis, fleetRoot(namespace)),
    redis.hgetall(circuitsKey(namespace)),
  ]);
  const open = Object.entries(circuits).map(([name, text]) => {
    const [probeAt, pauseMs, , reason] = text.split(' ');
    // A probe further ahead than the pause means that Redis's clock has stepped back; the probe is due.
    const isPossible = Number(probeAt) <= nowMs + Number(pauseMs);
    return { name, probeAt: isPossible ? Number(probeAt) : nowMs, reason: reason as OpenCircuit['reason'] };
  });
  return { nowMs, open };
}

/** Asks whether the circuits that a request depends on let it leave. */
export async function askGate(
  redis: LaneRedis,
  namespace: string,
  { probeMs, circuits }: { probeMs: number; circuits: readonly string[] },
): Promise<GateAnswer> {
  const reply = await redis.fleetGate(circuitsKey(namespace), probeMs, ...circuits);
  const [verdict, delayMs] = reply as [GateAnswer['verdict'], number?];
  return verdict === 'hold' ? { verdict, delayMs: delayMs ?? 0 } : { verdict };
}

/** Reports what a request has shown. @returns the ms until the next probe if the circuit is open, otherwise 0. */
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
