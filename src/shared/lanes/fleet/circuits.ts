import type { RedisClient } from '../../redis/cluster.ts';
import { absentKey, fleetRoot } from '../key-names.ts';
import { readTimeMs } from '../../redis/time.ts';
import { changeKey } from '../change-key.ts';
import type { LaneRedis } from '../commands.ts';

/** What a circuit tells people, and what it covers. */
export interface CircuitFacts {
  scope: 'page' | 'key' | 'api';
  reason: 'rate-limited' | 'unauthorized' | 'api-down' | 'refusing';
  /** What messages met, such as `HTTP 403`. */
  what: string;
  /** How many different conversations met it before the circuit opened. */
  conversations: number;
  page?: string | undefined;
  /** The variable, file or hook that the key comes from. */
  keySource?: string | undefined;
}

/** An open circuit: it holds all messages of a page, of a key, or of the API. */
export interface OpenCircuit extends CircuitFacts {
  /** `<trouble> <name>`, where the name is `api`, `key:<fingerprint>` or `page:<page>`. */
  field: string;
  /** When it opened, on Redis's clock. */
  since: number;
  /** When the next message may leave, on Redis's clock. */
  probeAt: number;
  /** When the next message that was tried before may leave as a probe, if that is later. */
  triedAt?: number;
  /** Whether messages leave at a pace from then on, instead of one as a probe. */
  isPaced: boolean;
  /** Some of the pages that it stops, and their number. Only for keys. */
  pages?: { named: string[]; count: number } | undefined;
}

export interface Circuits {
  /** On Redis's clock. */
  nowMs: number;
  open: OpenCircuit[];
}

/** Whether a message may leave; a `probe` finds out whether the circuits that are named can be closed. `isSlot`: it may leave then. */
export type GateAnswer =
  | { verdict: 'go' }
  | { verdict: 'probe'; fields: string[] }
  | { verdict: 'hold'; delayMs: number; isSlot: boolean };

export interface Observation {
  field: string;
  /** `tried-failed`: the probe was tried before, so it may be the cause itself. `refused`: by a limit. `asked`: by a hook. `nothing`: a probe that showed nothing. */
  seen: 'failed' | 'probe-failed' | 'tried-failed' | 'refused' | 'asked' | 'nothing';
  facts?: CircuitFacts;
  pauseMs: number;
  maxPauseMs: number;
  /** The pause that the API asked for. */
  askedMs?: number | null;
  /** How long ago the request began. */
  beganMsAgo?: number;
  /** Whether a message was accepted since the last refusal. */
  wasAccepted?: boolean;
}

const MOST_PAGES_NAMED = 20;
const SCANNED = 100;
const STOPPED_KEPT_MS = 3_600_000;

type InRedis = Omit<OpenCircuit, 'field' | 'isPaced'> & { pauseMs: number; perSecond?: number };

export async function readCircuits(redis: RedisClient, namespace: string): Promise<Circuits> {
  const [nowMs, circuits] = await Promise.all([
    readTimeMs(redis, fleetRoot(namespace)),
    redis.hgetall(circuitsKey(namespace)),
  ]);
  const open = Object.entries(circuits).map(([field, json]) => circuitOf(field, JSON.parse(json) as InRedis, nowMs));
  const ofKeys = open.filter(({ scope }) => scope === 'key');
  const pages = await Promise.all(ofKeys.map(({ field }) => readStopped(redis, namespace, field)));
  for (const [index, circuit] of ofKeys.entries()) circuit.pages = pages[index];
  return { nowMs, open };
}

function circuitOf(field: string, { pauseMs, perSecond, probeAt, ...facts }: InRedis, nowMs: number): OpenCircuit {
  // A probe further ahead than the pause means that Redis's clock has stepped back; the probe is due.
  const isPossible = probeAt <= nowMs + pauseMs;
  return { ...facts, field, probeAt: isPossible ? probeAt : nowMs, isPaced: perSecond !== undefined };
}

async function readStopped(redis: RedisClient, namespace: string, field: string): Promise<OpenCircuit['pages']> {
  const key = stoppedKey(namespace, field);
  // Unlike SRANDMEMBER, a scan from the start names the same pages each time.
  const [count, [, some]] = await Promise.all([redis.scard(key), redis.sscan(key, 0, 'COUNT', SCANNED)]);
  return { count, named: some.toSorted().slice(0, MOST_PAGES_NAMED) };
}

/** Returns which of these pages the circuit of a key stops. */
export async function stoppedOf(
  redis: RedisClient,
  namespace: string,
  field: string,
  pages: readonly string[],
): Promise<string[]> {
  if (pages.length === 0) return [];
  const found = await redis.smismember(stoppedKey(namespace, field), ...pages);
  return pages.filter((_, index) => found[index] === 1);
}

/** Notes pages that a key's circuit stops. */
export async function noteStopped(
  redis: LaneRedis,
  namespace: string,
  field: string,
  pages: readonly string[],
): Promise<void> {
  await changeKey(redis, stoppedKey(namespace, field), [
    ['SADD', ...pages],
    ['PEXPIRE', STOPPED_KEPT_MS],
  ]);
}

/** Asks whether the circuits that a message depends on let it leave. */
export async function askGate(
  redis: LaneRedis,
  namespace: string,
  { id, probeMs, wasTried, fields }: { id: string; probeMs: number; wasTried: boolean; fields: readonly string[] },
): Promise<GateAnswer> {
  const root = fleetRoot(namespace);
  const keys = [circuitsKey(namespace), `${root}slots`, absentKey({ root })] as const;
  const reply = await redis.fleetGate(...keys, probeMs, id, wasTried ? 1 : 0, ...fields);
  const [verdict, ...rest] = reply as [GateAnswer['verdict'] | 'slot', ...unknown[]];
  if (verdict === 'hold' || verdict === 'slot') {
    return { verdict: 'hold', delayMs: rest[0] as number, isSlot: verdict === 'slot' };
  }
  return verdict === 'probe' ? { verdict, fields: rest as string[] } : { verdict };
}

/** Tells a circuit what a request has shown. @returns the ms until the next message may leave, and whether this opened the circuit. */
export async function tellCircuit(
  redis: LaneRedis,
  namespace: string,
  observation: Observation,
): Promise<{ waitMs: number; isNew: boolean }> {
  const { field, seen, facts, pauseMs, maxPauseMs, askedMs, beganMsAgo = 0, wasAccepted } = observation;
  const reply = await redis.fleetCircuit(
    circuitsKey(namespace),
    absentKey({ root: fleetRoot(namespace) }),
    field,
    seen,
    JSON.stringify(facts ?? {}),
    pauseMs,
    maxPauseMs,
    askedMs ?? '',
    Math.round(beganMsAgo),
    wasAccepted ? 1 : 0,
  );
  const [waitMs, isNew] = reply as [number, '0' | '1'];
  return { waitMs, isNew: isNew === '1' };
}

export async function closeCircuits(redis: RedisClient, namespace: string, fields: readonly string[]): Promise<void> {
  await redis.hdel(circuitsKey(namespace), ...fields);
  await redis.del(...fields.map((field) => stoppedKey(namespace, field)));
}

function stoppedKey(namespace: string, field: string): string {
  return `${fleetRoot(namespace)}stopped:${field}`;
}

function circuitsKey(namespace: string): string {
  return `${fleetRoot(namespace)}held`;
}
