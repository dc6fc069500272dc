import type { WorkerLogger } from '../../shared/logging/worker-logger.ts';
import type { LaneRedis } from '../../shared/lanes/commands.ts';
import {
  askGate,
  type CircuitFacts,
  type Circuits,
  closeCircuits,
  type GateAnswer,
  noteStopped,
  type Observation,
  type OpenCircuit,
  readCircuits,
  tellCircuit,
} from '../../shared/lanes/fleet/circuits.ts';
import { adviceOn, fieldOf, isOfTrouble } from '../evidence/circuit-fields.ts';
import type { Trouble, WideScope } from '../evidence/scope.ts';
import type { RequestFacts } from './told.ts';

/** An open circuit, as this worker knows it. */
export interface Known extends CircuitFacts, Pick<OpenCircuit, 'field' | 'isPaced'> {
  /** When the next message may leave, on the clock of `performance.now()`. */
  leavesAt: number;
  /** When this worker learned that it is open. */
  openAt: number;
}

/** What is told to a circuit. */
export interface Telling {
  seen: Observation['seen'];
  conversations?: number;
  askedMs?: number | null;
  wasAccepted?: boolean;
  /** The pages that have shown it. */
  pages?: readonly string[];
}

/** The circuits that are open, as this worker knows them, and the calls to Redis that change them. */
export interface Board {
  size(): number;
  get(field: string): Known | undefined;
  /** Tells a circuit what a request has shown, which may open it. @returns the ms until the next message may leave */
  tell(trouble: Trouble, scope: WideScope, facts: RequestFacts, telling: Telling): Promise<number>;
  ask(id: string, wasTried: boolean, fields: readonly string[]): Promise<GateAnswer>;
  close(fields: readonly string[]): Promise<void>;
  /** Forgets a circuit that others have closed. */
  forget(field: string): void;
  /** Notes when the next message may leave. */
  postpone(field: string, waitMs: number): void;
  /** Lets other messages probe circuits in place of one that was not sent, or that showed nothing. */
  giveUp(fields: readonly string[]): Promise<void>;
  /** Notes that the circuit of a key stops a page. */
  noteStopped(field: string, pageId: string): void;
  /** Notes that a page has another key now. @returns the circuits of keys that stop no page any more */
  leftBehind(pageId: string, key: string): string[];
  /** Reads the circuits again. */
  read(): Promise<void>;
}

export interface BoardDeps {
  redis: LaneRedis;
  namespace: string;
  timeoutMs: number;
  logger: WorkerLogger;
  keySourceOf(pageId: string): string;
}

const PAUSE_MS = 1000;
const LONGEST_PAUSE_MS: Record<WideScope, number> = { api: 15_000, key: 30_000, page: 15_000 };
/** A probe without a report for this long after its time-out is given up, and another probe may leave. */
const PROBE_GRACE_MS = 2000;
/** A message that waits asks for its probe within seconds. */
const UNUSED_MS = 15_000;
/** On a page that fails, perhaps only messages in backoff are left, which ask for no probe. */
const UNUSED_PAGE_MS = 600_000;
/** After this time a learned pace is no limit any more. */
const LEARNED_PACE_MS = 60_000;
const MOST_STOPPED = 1000;
const LONG_AGO_MS = 1e9;

const REASONS: Record<Trouble, CircuitFacts['reason']> = {
  failing: 'api-down',
  limited: 'rate-limited',
  unauthorized: 'unauthorized',
  forbidden: 'unauthorized',
  'no-key': 'unauthorized',
  refusing: 'refusing',
};

export function createBoard({ redis, namespace, timeoutMs, logger, keySourceOf }: BoardDeps): Board {
  const circuits = new Map<string, Known>();
  /** The pages that circuits of keys stop, and those of them that were not reported yet. */
  const stopped = new Map<string, Set<string>>();
  const unreported = new Map<string, Set<string>>();

  function learn(circuit: Omit<Known, 'leavesAt' | 'openAt'>, waitMs: number): void {
    const now = performance.now();
    const openAt = circuits.get(circuit.field)?.openAt ?? now;
    circuits.set(circuit.field, { ...circuit, leavesAt: now + waitMs, openAt });
  }

  function forget(field: string): void {
    const circuit = circuits.get(field);
    if (circuit === undefined) return;
    circuits.delete(field);
    stopped.delete(field);
    const { scope, reason, page, keySource, openAt } = circuit;
    const lastedMs = Math.round(performance.now() - openAt);
    logger.info({ circuit: field, scope, reason, page, keySource, lastedMs }, 'messages go on');
  }

  function describe(trouble: Trouble, scope: WideScope, { pageId, shown }: RequestFacts, seenIn: number): CircuitFacts {
    return {
      scope,
      reason: REASONS[trouble],
      what: shown.what,
      conversations: seenIn,
      ...(scope === 'page' ? { page: pageId } : {}),
      ...(scope === 'key' || trouble === 'no-key' ? { keySource: keySourceOf(pageId) } : {}),
    };
  }

  /** A wide circuit stands for the narrower ones of its trouble, on the pages that showed it. */
  async function announce(
    field: string,
    trouble: Trouble,
    told: CircuitFacts,
    { waitMs, pages }: { waitMs: number; pages: readonly string[] },
  ): Promise<void> {
    logger.error({ circuit: field, ...told, waitMs }, adviceOn(trouble, told.scope));
    if (told.scope === 'page') return;
    if (told.scope === 'key') await noteStopped(redis, namespace, field, pages);
    const isCovered = ({ scope, page = '' }: Known): boolean =>
      told.scope === 'api' ? scope !== 'api' : scope === 'page' && pages.includes(page);
    const endsAt = performance.now() + waitMs;
    const narrower = [...circuits.values()].filter(
      (one) => isOfTrouble(one.field, trouble) && isCovered(one) && one.leavesAt <= endsAt,
    );
    await close(narrower.map((one) => one.field));
  }

  async function close(fields: readonly string[]): Promise<void> {
    if (fields.length === 0) return;
    await closeCircuits(redis, namespace, fields);
    for (const field of fields) forget(field);
  }

  async function tellStopped(): Promise<void> {
    const told = [...unreported].filter(([field]) => circuits.has(field));
    unreported.clear();
    await Promise.all(told.map(([field, pages]) => noteStopped(redis, namespace, field, [...pages])));
  }

  return {
    size: () => circuits.size,
    get: (field) => circuits.get(field),
    forget,
    async tell(trouble, scope, facts, telling) {
      const field = fieldOf(trouble, scope, { page: facts.pageId, key: facts.key ?? '' });
      const known = circuits.get(field);
      const told = describe(trouble, scope, facts, telling.conversations ?? known?.conversations ?? 0);
      const { waitMs, isNew } = await tellCircuit(redis, namespace, {
        ...telling,
        field,
        facts: told,
        pauseMs: PAUSE_MS,
        maxPauseMs: LONGEST_PAUSE_MS[scope],
        // A request that began before this worker knew of the circuit says nothing about the circuit's pace.
        beganMsAgo: facts.beganAt >= (known?.openAt ?? Infinity) ? performance.now() - facts.beganAt : LONG_AGO_MS,
      });
      if (isNew) await announce(field, trouble, told, { waitMs, pages: [facts.pageId, ...(telling.pages ?? [])] });
      learn({ ...told, field, isPaced: trouble === 'limited' }, waitMs);
      return waitMs;
    },
    ask: async (id, wasTried, fields) =>
      await askGate(redis, namespace, { id, wasTried, fields, probeMs: timeoutMs + PROBE_GRACE_MS }),
    close,
    postpone(field, waitMs) {
      const circuit = circuits.get(field);
      if (circuit) circuit.leavesAt = performance.now() + waitMs;
    },
    async giveUp(fields) {
      const nothing = { seen: 'nothing', pauseMs: 0, maxPauseMs: 0 } as const;
      const open = fields.filter((field) => circuits.has(field));
      await Promise.all(open.map((field) => tellCircuit(redis, namespace, { field, ...nothing })));
    },
    noteStopped(field, pageId) {
      const pages = stopped.get(field) ?? new Set();
      stopped.set(field, pages);
      if (pages.has(pageId) || pages.size >= MOST_STOPPED) return;
      pages.add(pageId);
      unreported.set(field, (unreported.get(field) ?? new Set()).add(pageId));
    },
    leftBehind(pageId, key) {
      const fields = [...stopped].flatMap(([field, pages]) =>
        !field.endsWith(` ${key}`) && pages.delete(pageId) ? [field] : [],
      );
      return fields.filter((field) => stopped.get(field)?.size === 0);
    },
    async read() {
      if (unreported.size > 0) await tellStopped();
      const facts = await readCircuits(redis, namespace);
      const unused = unusedOf(facts);
      if (unused.length > 0) await closeCircuits(redis, namespace, unused);
      const open = facts.open.filter(({ field }) => !unused.includes(field));
      for (const field of circuits.keys()) if (!open.some((one) => one.field === field)) forget(field);
      for (const circuit of open) learn(circuit, circuit.probeAt - facts.nowMs);
    },
  };
}

/** Circuits of pages and keys that nobody has asked about for long: no message needs them. A new finding opens them again. */
function unusedOf({ nowMs, open }: Circuits): string[] {
  return open
    .filter(({ scope, isPaced }) => scope !== 'api' || isPaced)
    .filter(({ field, isPaced, probeAt, triedAt = 0 }) => {
      const probedMs = isOfTrouble(field, 'failing') ? UNUSED_PAGE_MS : UNUSED_MS;
      const unusedMs = isPaced ? LEARNED_PACE_MS : probedMs;
      return Math.max(probeAt, triedAt) < nowMs - unusedMs;
    })
    .map(({ field }) => field);
}
