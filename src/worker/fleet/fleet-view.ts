import type { Logger } from 'pino';
import type { UnknownOutcomePolicy } from '../../shared/model/enqueue-options.ts';
import {
  askGate,
  type Circuits,
  forgetCircuits,
  type Observation,
  readCircuits,
  tellCircuit,
} from '../../shared/lanes/fleet/circuits.ts';
import type { LaneRedis } from '../../shared/lanes/commands.ts';

/** Whether messages may be taken: `go`, one message as a `probe`, or how long to wait. */
export type Leave = 'go' | 'probe' | { waitMs: number };

/** What an attempt shows of the API and of the key; `null` if it shows nothing. */
export interface Evidence {
  api: 'ok' | 'failed' | null;
  key: 'ok' | 'refused' | null;
}

export interface FleetConfig {
  namespace: string;
  timeoutMs: number;
}

/** The facts of a request that the fleet needs. */
export interface RequestFacts {
  id: string;
  evidence: Evidence;
  keyCircuit: string | null;
  isProbe: boolean;
  onUnknownOutcome: UnknownOutcomePolicy;
}

/** How long a message must wait for the API or its key; 0 if it need not. */
export interface Pause {
  apiMs: number;
  keyMs: number;
}

/** This worker's view of the circuits, at most half a second old while it works. */
export interface Fleet {
  /** Whether any message may be taken. */
  leave(): Leave;
  /** Whether the API refuses any key; only then must a message's key be checked before sending. */
  hasRefusedKeys(): boolean;
  /** Whether a message with this key may be sent. */
  leaveFor(keyCircuit: string): Leave;
  /** Asks the fleet whether a message may go as a probe of the API's circuit, or of the given key's. */
  askToProbe(keyCircuit?: string): Promise<Leave>;
  /** Reports what a request has shown. Synchronous if it succeeded and was no probe, which is the usual case. */
  tell(facts: RequestFacts): Pause | Promise<Pause>;
  /** Gives up a probe whose message was not sent. */
  giveUpProbe(keyCircuit?: string): Promise<void>;
  /** Reports the successes since the last report, and reads the circuits again. */
  refresh(): Promise<void>;
}

export const NO_PAUSE: Pause = { apiMs: 0, keyMs: 0 };
const API = 'api';
const API_PAUSES = { reason: 'api-down', pauseMs: 1000, maxPauseMs: 15_000 } as const;
const KEY_PAUSES = { reason: 'unauthorized', pauseMs: 1000, maxPauseMs: 30_000 } as const;
/** This many messages must fail, in a row in this worker or as half of the fleet's requests, before the API is presumed down. */
const FAILURES_TO_OPEN = 5;
/** After a failure, a success must come within this time to show that the API works. */
const SUSPICION_MS = 100;
const UNUSED_KEY_MS = 60_000;
/** How often a worker that is not idle reads the circuits. */
const LOOK_MS = 500;
/** A probe without a report for this long after its time-out is given up, and another probe may leave. */
const PROBE_GRACE_MS = 2000;

export function createFleet(redis: LaneRedis, config: FleetConfig, logger: Logger): Fleet {
  const { namespace } = config;
  /** For each open circuit, when the next probe may leave, on the clock of `performance.now()`. */
  const circuits = new Map<string, number>();
  let lookedAt = -Infinity;
  let successes = 0;
  /** The messages that failed here since the last success. */
  const failedInARow = new Set<string>();
  /** Callbacks of failed requests that wait for a success to show that the API works. */
  const suspicions = new Set<() => void>();

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
    return note(circuit, await tellCircuit(redis, namespace, observation));
  }

  /** Forgets the circuits of keys that were not probed for long: no message uses those keys. A new refusal opens them again. */
  async function forgetUnusedKeys({ nowMs, open }: Circuits): Promise<void> {
    const unused = open.filter(({ name, probeAt }) => name !== API && probeAt < nowMs - UNUSED_KEY_MS);
    if (unused.length === 0) return;
    await forgetCircuits(
      redis,
      namespace,
      unused.map(({ name }) => name),
    );
  }

  /**
   * Waits for a success that shows that the API works. Nothing is taken meanwhile, so that an API that breaks doesn't turn a row of
   * messages into dead letters.
   */
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
    const areMany = failedInARow.size >= FAILURES_TO_OPEN;
    const isPrecious = onUnknownOutcome === 'dead-letter';
    // Requests that left together end together, and failures are often noticed first: a success may follow in a moment.
    const isSure = isProbe ? areMany : (areMany || isPrecious) && !(await isCleared());
    return await tellOf(API, { id, result: 'failed', isProbe, isSure });
  }

  /** Gives up a probe, so that another one may be sent in its place. */
  async function giveUpProbe(circuit: string): Promise<void> {
    if (circuits.has(circuit)) await tellOf(circuit, { id: '', result: 'nothing', isProbe: true, isSure: false });
  }

  function noteSuccess(): void {
    successes += 1;
    failedInARow.clear();
    for (const clear of suspicions) clear();
  }

  async function tellAll(facts: RequestFacts): Promise<Pause> {
    const { id, evidence, keyCircuit, isProbe } = facts;
    const pause: Pause = { apiMs: 0, keyMs: 0 };
    if (evidence.api === 'failed') pause.apiMs = await apiFailed(facts);
    if (evidence.api === 'ok') {
      noteSuccess();
      if (isProbe) await tellOf(API, { id, result: 'ok', isProbe, isSure: false });
    }
    if (isProbe && evidence.api === null) await giveUpProbe(API);
    if (keyCircuit === null) return pause;
    if (evidence.key === 'refused') {
      pause.keyMs = await tellOf(keyCircuit, { id, result: 'failed', isProbe, isSure: true });
    } else if (isProbe) {
      if (evidence.key === 'ok') await tellOf(keyCircuit, { id, result: 'ok', isProbe, isSure: false });
      else await giveUpProbe(keyCircuit);
    }
    return pause;
  }

  async function refresh(): Promise<void> {
    lookedAt = performance.now();
    if (successes > 0) await tellOf(API, { id: '', result: 'ok', isProbe: false, isSure: false });
    const facts = await readCircuits(redis, namespace);
    await forgetUnusedKeys(facts);
    for (const name of circuits.keys()) if (!facts.open.some((one) => one.name === name)) note(name, 0);
    for (const { name, probeAt } of facts.open) note(name, Math.max(1, probeAt - facts.nowMs));
  }

  function lookNowAndThen(): void {
    if (performance.now() - lookedAt < LOOK_MS) return;
    refresh().catch((error: unknown) => logger.warn({ err: error }, 'the circuits could not be read'));
  }

  function leaveOf(name: string): Leave {
    const probeAt = circuits.get(name);
    if (probeAt === undefined) return 'go';
    const leftMs = probeAt - performance.now();
    return leftMs > 0 ? { waitMs: Math.min(leftMs, LOOK_MS) } : 'probe';
  }

  return {
    refresh,
    leave() {
      lookNowAndThen();
      return suspicions.size > 0 ? { waitMs: SUSPICION_MS } : leaveOf(API);
    },
    hasRefusedKeys: () => circuits.size > (circuits.has(API) ? 1 : 0),
    leaveFor: leaveOf,
    async askToProbe(keyCircuit = API) {
      const probeMs = config.timeoutMs + PROBE_GRACE_MS;
      const gate = await askGate(redis, namespace, { probeMs, circuits: [keyCircuit] });
      if (gate.verdict === 'hold') return { waitMs: note(keyCircuit, gate.delayMs) };
      if (gate.verdict === 'go') note(keyCircuit, 0);
      return gate.verdict;
    },
    tell(facts) {
      const { evidence, isProbe } = facts;
      if (evidence.api !== 'ok' || evidence.key === 'refused' || isProbe) return tellAll(facts);
      noteSuccess();
      return NO_PAUSE;
    },
    giveUpProbe: async (keyCircuit = API) => await giveUpProbe(keyCircuit),
  };
}

function messageOf(circuit: string): string {
  return circuit === API
    ? 'the API does not work: messages wait, and one at a time is sent as a probe'
    : 'the API refuses a key: the pages with this key wait; replace the key, or have it accepted again';
}
