import type { Logger } from 'pino';
import type { UnknownOutcomePolicy } from '../shared/enqueue-options.ts';
import type { FleetWord } from '../shared/lanes/claim.ts';
import type { LaneRedis } from '../shared/lanes/commands.ts';
import {
  askGate,
  type FleetFacts,
  forgetCircuits,
  type GateAnswer,
  type Observation,
  readFleet,
  type StoredLimits,
  tellFleet,
} from '../shared/lanes/fleet.ts';
import type { FleetRules } from '../shared/lanes/register.ts';
import { NO_LIMIT, parseRateLimit, type RateLimit } from '../shared/rate-limit.ts';
import type { Evidence } from './evidence.ts';

export interface FleetConfig {
  namespace: string;
  rateLimit?: string | undefined;
  pageRateLimit?: string | undefined;
  pageParallelism: number | 'auto';
  timeoutMs: number;
}

/** A request, for the fleet. */
export interface RequestFacts {
  id: string;
  evidence: Evidence;
  keyCircuit: string | null;
  isProbe: boolean;
  onUnknownOutcome: UnknownOutcomePolicy;
}

/** How long the message has to wait for the API or its key; 0 if it need not. */
export interface Pause {
  apiMs: number;
  keyMs: number;
}

/** This worker's view of what the whole fleet shares, at most half a second old: limits and circuits. */
export interface Fleet {
  /** Reads it anew, and tells what went well meanwhile. @returns whether the rules are others now. */
  refresh(): Promise<boolean>;
  rules(): FleetRules;
  /** Whether any key is refused: only then does a message's key matter before it is sent. */
  hasRefusedKeys(): boolean;
  /** What is to be said at a claim. */
  wordFor(keyCircuit: string | null, onUnknownOutcome: UnknownOutcomePolicy): FleetWord;
  /** Asks for leave to send now. */
  ask(keyCircuit: string | null): Promise<GateAnswer>;
  /** Tells what a request has shown. */
  tell(facts: RequestFacts): Promise<Pause>;
  /** A message that had leave to probe can't be sent. */
  giveUpProbe(keyCircuit: string | null): Promise<void>;
}

const API = 'api';
const GO: FleetWord = { verdict: 'go' };
const ASK: FleetWord = { verdict: 'ask' };
const API_PAUSES = { reason: 'api-down', pauseMs: 1000, maxPauseMs: 15_000 } as const;
const KEY_PAUSES = { reason: 'unauthorized', pauseMs: 1000, maxPauseMs: 30_000 } as const;
/** So many messages have to fail, one after the other here or half of all in the fleet, before the API is taken to be down. */
const FAILURES_TO_OPEN = 5;
/** After a failure, a success must come within this time to show that the API works. */
const SUSPICION_MS = 100;
const UNUSED_KEY_MS = 60_000;
/** A probe that is not heard of for so long after its time-out is given up, and another one may leave. */
const PROBE_GRACE_MS = 2000;

export function createFleet(redis: LaneRedis, config: FleetConfig, logger: Logger): Fleet {
  const { namespace } = config;
  /** When the next probe may leave, on the clock of `performance.now()`. */
  const circuits = new Map<string, number>();
  let limits: StoredLimits = { rate: null, pageRate: null };
  let successes = 0;
  /** The messages that failed here since the last success. */
  const failedInARow = new Set<string>();
  /** Those who wait for a success that clears the API of a suspicion. */
  const suspicions = new Set<() => void>();

  const limit = (): RateLimit | null => limitOf(limits.rate ?? config.rateLimit);
  const inTheWay = (keyCircuit: string | null): string[] => [API, ...(keyCircuit === null ? [] : [keyCircuit])];

  function note(name: string, pauseMs: number): number {
    if (pauseMs === 0) {
      if (!circuits.delete(name)) return pauseMs;
      logger.info({ circuit: name }, 'messages go on');
      if (name === API) failedInARow.clear();
    } else {
      if (!circuits.has(name)) logger.error({ circuit: name, pauseMs }, messageOf(name));
      circuits.set(name, performance.now() + pauseMs);
    }
    return pauseMs;
  }

  async function tellOf(
    circuit: string,
    seen: Pick<Observation, 'id' | 'result' | 'isProbe' | 'isSure'>,
  ): Promise<number> {
    const told = circuit === API ? successes : 0;
    successes -= told;
    const pauses = circuit === API ? API_PAUSES : KEY_PAUSES;
    const observation = { ...seen, circuit, threshold: FAILURES_TO_OPEN, successes: told, ...pauses };
    return note(circuit, await tellFleet(redis, namespace, observation));
  }

  /** Nobody has probed it for long: no message uses the key any more. If one does, its refusal is found out again. */
  async function forgetUnusedKeys({ nowMs, circuits: open }: FleetFacts): Promise<void> {
    const unused = open.filter(({ name, probeAt }) => name !== API && probeAt < nowMs - UNUSED_KEY_MS);
    if (unused.length === 0) return;
    await forgetCircuits(
      redis,
      namespace,
      unused.map(({ name }) => name),
    );
  }

  /** Nobody may be sent to a dead-letter queue in rows because an API breaks: nothing leaves until it is clear. */
  async function isCleared(): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const clear = (): void => resolve(true);
    suspicions.add(clear);
    const timer = setTimeout(resolve, SUSPICION_MS, false);
    const cleared = await promise;
    clearTimeout(timer);
    suspicions.delete(clear);
    return cleared;
  }

  async function apiFailed({ id, isProbe, onUnknownOutcome }: RequestFacts): Promise<number> {
    failedInARow.add(id);
    const isPrecious = onUnknownOutcome === 'dead-letter' && !isProbe;
    const isSure = failedInARow.size >= FAILURES_TO_OPEN || (isPrecious && !(await isCleared()));
    return await tellOf(API, { id, result: 'failed', isProbe, isSure });
  }

  /** Another one may be sent in its place. */
  async function giveUpProbe(circuit: string): Promise<void> {
    if (circuits.has(circuit)) await tellOf(circuit, { id: '', result: 'nothing', isProbe: true, isSure: false });
  }

  async function apiWorks({ id, isProbe }: RequestFacts): Promise<void> {
    successes += 1;
    failedInARow.clear();
    for (const clear of suspicions) clear();
    if (isProbe) await tellOf(API, { id, result: 'ok', isProbe, isSure: false });
  }

  return {
    async refresh() {
      if (successes > 0) await tellOf(API, { id: '', result: 'ok', isProbe: false, isSure: false });
      const facts = await readFleet(redis, namespace);
      await forgetUnusedKeys(facts);
      for (const name of circuits.keys()) if (!facts.circuits.some((open) => open.name === name)) note(name, 0);
      for (const { name, probeAt } of facts.circuits) note(name, Math.max(1, probeAt - facts.nowMs));
      const changed = facts.limits.rate !== limits.rate || facts.limits.pageRate !== limits.pageRate;
      limits = facts.limits;
      return changed;
    },
    rules: () => ({
      window: config.pageParallelism === 'auto' ? 0 : config.pageParallelism,
      pageLimit: limitOf(limits.pageRate ?? config.pageRateLimit),
      limit: limit(),
    }),
    hasRefusedKeys: () => circuits.size > (circuits.has(API) ? 1 : 0),
    wordFor(keyCircuit, onUnknownOutcome) {
      if (suspicions.size > 0 && onUnknownOutcome === 'dead-letter') return { verdict: 'hold', delayMs: SUSPICION_MS };
      const open = circuits.size === 0 ? [] : inTheWay(keyCircuit).flatMap((name) => circuits.get(name) ?? []);
      if (open.length === 0) return limit() === null ? GO : ASK;
      const leftMs = Math.max(...open) - performance.now();
      return leftMs > 0 ? { verdict: 'hold', delayMs: leftMs } : { verdict: 'probe' };
    },
    ask: async (keyCircuit) =>
      await askGate(redis, namespace, {
        limit: limit(),
        probeMs: config.timeoutMs + PROBE_GRACE_MS,
        circuits: inTheWay(keyCircuit),
      }),
    async tell(facts) {
      const { id, evidence, keyCircuit, isProbe } = facts;
      const pause: Pause = { apiMs: 0, keyMs: 0 };
      if (evidence.api === 'failed') pause.apiMs = await apiFailed(facts);
      if (evidence.api === 'ok') await apiWorks(facts);
      if (isProbe && evidence.api === null) await giveUpProbe(API);
      if (keyCircuit === null) return pause;
      if (evidence.key === 'refused') {
        pause.keyMs = await tellOf(keyCircuit, { id, result: 'failed', isProbe, isSure: true });
      } else if (isProbe) {
        if (evidence.key === 'ok') await tellOf(keyCircuit, { id, result: 'ok', isProbe, isSure: false });
        else await giveUpProbe(keyCircuit);
      }
      return pause;
    },
    async giveUpProbe(keyCircuit) {
      for (const circuit of inTheWay(keyCircuit)) await giveUpProbe(circuit);
    },
  };
}

function limitOf(text: string | undefined): RateLimit | null {
  return text === undefined || text === NO_LIMIT ? null : parseRateLimit(text);
}

function messageOf(circuit: string): string {
  return circuit === API
    ? 'the API does not work: messages wait, and one after the other is sent as a probe'
    : 'the API refuses a key: its pages wait; replace the key, or have it let in again';
}
