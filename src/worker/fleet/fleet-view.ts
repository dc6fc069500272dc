import type { Logger } from 'pino';
import type { AttemptRecord } from '../../shared/model/attempts.ts';
import {
  askGate,
  type CircuitFacts,
  type Circuits,
  closeCircuits,
  noteStopped,
  type Observation,
  type OpenCircuit,
  readCircuits,
  tellCircuit,
} from '../../shared/lanes/fleet/circuits.ts';
import {
  isRefusedRecipient,
  type MetBefore,
  noteRefusedRecipient,
  tellEvidence,
} from '../../shared/lanes/fleet/evidence.ts';
import type { LaneRedis } from '../../shared/lanes/commands.ts';
import { type Inferred, nameOf, rules, type Scope, scopeOf, type Trouble, type WideScope } from '../evidence/scope.ts';
import { createSuccesses } from './successes.ts';

/** Whether messages may be taken: `go`, one message as a `probe`, or how long to wait. */
export type Leave = 'go' | 'probe' | { waitMs: number };

/** Whether a message that was taken may be sent. A probe names the circuits that it probes. */
export type Admission =
  | { kind: 'go' }
  | { kind: 'probe'; fields: readonly string[] }
  | { kind: 'hold'; delayMs: number; isSlot: boolean };

/** What a request, or the lack of a key, has shown. */
export interface Shown {
  /** `null` if nothing kept the message from being accepted, or if that says nothing about the API. */
  trouble: Trouble | null;
  /** Whether the API has `accepted` the message, or at least `answered` as an API that works does. */
  works: 'accepted' | 'answered' | null;
  /** What to tell people, such as `HTTP 403`. */
  what: string;
  /** How long the API asks us to wait, in ms. */
  askedMs: number | null;
  /** How much a hook says that the trouble concerns. */
  askedScope?: Scope | undefined;
}

/** The facts of a request that the fleet needs. */
export interface RequestFacts {
  id: string;
  pageId: string;
  conversationId: string;
  /** The name of the key, `key:<fingerprint>`; `null` if there was none. */
  key: string | null;
  /** When the request began, on the clock of `performance.now()`. */
  beganAt: number;
  shown: Shown;
  /** The circuits that the message has probed. */
  probes: readonly string[];
  /** A function, because it is rarely needed. */
  history(): readonly AttemptRecord[];
  /** Whether the message dies of an unknown outcome. */
  isPrecious: boolean;
}

/** What the fleet makes of a trouble. */
export interface Told {
  /** How much the trouble concerns. */
  scope: Scope;
  /** For wide scopes, how long until a message may leave. */
  delayMs: number;
  /** Whether messages leave at a pace then, instead of one as a probe. */
  isPaced: boolean;
  /** Whether the API refuses the recipient although the key works. */
  isRecipientRefused: boolean;
}

/** A message that asks to be sent. */
export interface Applicant {
  id: string;
  pageId: string;
  key: string | null;
  /** Whether it was sent before. Others go before it as probes. */
  wasTried: boolean;
  /** Whether an attempt of it has failed. It goes on by itself when a page fails, and so probes the page. */
  hasFailed: boolean;
}

/** This worker's view of the circuits, at most half a second old while it works. */
export interface Fleet {
  /** Whether any message may be taken. */
  leave(): Leave;
  /** Whether any circuit is open; only then must `admit` be asked. */
  isAnythingOpen(): boolean;
  admit(applicant: Applicant): Promise<Admission>;
  /** Asks the fleet whether a message may go as a probe of the API. */
  askToProbe(): Promise<Leave>;
  /** The circuits that a message taken as a probe of the API probes. */
  apiProbes(): string[];
  /** Reports what a request has shown. Synchronous if it succeeded and no circuit is open, which is the usual case. */
  tell(facts: RequestFacts): Told | Promise<Told>;
  /** Gives up probes whose message was not sent. */
  giveUp(fields: readonly string[]): Promise<void>;
  /** Reports the successes since the last report, and reads the circuits again. */
  refresh(): Promise<void>;
}

export interface FleetConfig {
  namespace: string;
  timeoutMs: number;
  refusalsToHold: number;
}

export interface FleetDeps {
  redis: LaneRedis;
  config: FleetConfig;
  logger: Logger;
  /** Where the key of a page comes from. */
  keySourceOf(pageId: string): string;
}

export const ABOUT_ITSELF: Told = { scope: 'conversation', delayMs: 0, isPaced: false, isRecipientRefused: false };
const PAUSE_MS = 1000;
const LONGEST_PAUSE_MS: Record<WideScope, number> = { api: 15_000, key: 30_000, page: 15_000 };
/** After a failure, a success must come within this time to show that the API works. */
const SUSPICION_MS = 100;
const UNUSED_MS = 60_000;
/** How often a worker that is not idle reads the circuits. */
const LOOK_MS = 500;
/** A probe without a report for this long after its time-out is given up, and another probe may leave. */
const PROBE_GRACE_MS = 2000;
/** A message that was tried before probes a circuit this much later than others may: it may itself be the cause. */
const TRIED_GRACE_MS = 3000;
/** A recipient that is refused this often, over this time, is believed to be the cause if the key has worked just before. */
const REFUSALS_TO_BELIEVE = 3;
const TIME_TO_BELIEVE_MS = 2000;
const JUST_BEFORE_MS = 10_000;
const MOST_STOPPED = 1000;
const LONG_AGO_MS = 1e9;
/** A refusal of one message at a learned pace slows messages down, but stops them for no longer than this. */
const SLOW_DOWN_MS = 1000;

const REASONS: Record<Trouble, CircuitFacts['reason']> = {
  failing: 'api-down',
  limited: 'rate-limited',
  unauthorized: 'unauthorized',
  forbidden: 'unauthorized',
  'no-key': 'unauthorized',
  refusing: 'refusing',
};
/** Troubles that stop all taking if they concern the API. */
const STOPPING: readonly Trouble[] = ['failing', 'refusing'];
const STOPS = STOPPING.map((trouble) => `${trouble} api`);
const LIMITS = (['page', 'key', 'api'] as const).map((scope) => ['limited', scope] as const);
const PROBED = (['failing', 'forbidden', 'unauthorized', 'refusing'] as const).flatMap((trouble) =>
  (['page', 'key'] as const).map((scope) => [trouble, scope] as const),
);

interface Known extends OpenCircuit {
  /** When the next message may leave, on the clock of `performance.now()`. */
  leavesAt: number;
  /** When this worker learned that it is open. */
  openAt: number;
}

export function createFleet({ redis, config, logger, keySourceOf }: FleetDeps): Fleet {
  const { namespace } = config;
  const circuits = new Map<string, Known>();
  const successes = createSuccesses();
  /** The pages that circuits of keys have stopped since the last report. */
  const stopped = new Map<string, Set<string>>();
  let lookedAt = -Infinity;
  /** Callbacks of failed requests that wait for a success to show that the API works. */
  const suspicions = new Set<{ name: string; clear(): void }>();

  function learn(circuit: OpenCircuit, waitMs: number): void {
    const now = performance.now();
    const openAt = circuits.get(circuit.field)?.openAt ?? now;
    circuits.set(circuit.field, { ...circuit, leavesAt: now + waitMs, openAt });
  }

  function forget(field: string): void {
    const circuit = circuits.get(field);
    if (circuit === undefined) return;
    circuits.delete(field);
    logger.info({ circuit: field, scope: circuit.scope, page: circuit.page }, 'messages go on');
  }

  async function close(fields: readonly string[]): Promise<void> {
    if (fields.length === 0) return;
    await closeCircuits(redis, namespace, fields);
    for (const field of fields) forget(field);
  }

  /** Tells a circuit what was seen. @returns the ms until the next message may leave */
  async function tellOf(
    trouble: Trouble,
    scope: WideScope,
    facts: RequestFacts,
    more: { seen: Observation['seen']; conversations?: number; askedMs?: number | null; wasAccepted?: boolean },
  ): Promise<number> {
    const { pageId, key, shown, beganAt } = facts;
    const field = fieldOf(trouble, scope, { page: pageId, key: key ?? '' });
    const told: CircuitFacts = {
      scope,
      reason: REASONS[trouble],
      what: shown.what,
      conversations: more.conversations ?? circuits.get(field)?.conversations ?? 1,
      ...(scope === 'page' ? { page: pageId } : {}),
      ...(scope === 'key' ? { keySource: keySourceOf(pageId) } : {}),
    };
    const { waitMs, isNew } = await tellCircuit(redis, namespace, {
      ...more,
      field,
      facts: told,
      pauseMs: PAUSE_MS,
      maxPauseMs: LONGEST_PAUSE_MS[scope],
      // A request that began before this worker knew of the circuit says nothing about the circuit's pace.
      beganMsAgo: beganAt >= (circuits.get(field)?.openAt ?? Infinity) ? performance.now() - beganAt : LONG_AGO_MS,
    });
    if (isNew) logger.error({ circuit: field, ...told, waitMs }, messageOf(trouble, scope));
    if (waitMs > 0) {
      learn({ ...told, field, since: 0, probeAt: 0, isPaced: trouble === 'limited' }, waitMs);
    }
    return waitMs;
  }

  function noteStoppedPage(field: string, pageId: string): void {
    const pages = stopped.get(field) ?? new Set();
    stopped.set(field, pages);
    if (pages.size < MOST_STOPPED) pages.add(pageId);
  }

  async function tellStopped(): Promise<void> {
    const told = [...stopped].filter(([field]) => circuits.has(field));
    stopped.clear();
    await Promise.all(told.map(([field, pages]) => noteStopped(redis, namespace, field, [...pages])));
  }

  async function giveUp(fields: readonly string[]): Promise<void> {
    const open = fields.filter((field) => circuits.has(field));
    const nothing = { seen: 'nothing', pauseMs: 0, maxPauseMs: 0 } as const;
    await Promise.all(open.map((field) => tellCircuit(redis, namespace, { field, ...nothing })));
  }

  /**
   * Waits for a success that shows that the scope works. Nothing is taken meanwhile, so that an API that breaks doesn't turn a row of
   * messages into dead letters.
   */
  async function isCleared(name: string): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const suspicion = { name, clear: (): void => resolve(true) };
    suspicions.add(suspicion);
    const timer = setTimeout(resolve, SUSPICION_MS, false);
    const cleared = await promise;
    clearTimeout(timer);
    suspicions.delete(suspicion);
    return cleared;
  }

  /** Notes a success. @returns the circuits that it closes */
  function noteSuccess({ pageId, key, beganAt, probes }: RequestFacts): string[] {
    successes.note(pageId, key ?? '');
    const place = { page: pageId, key: key ?? '' };
    for (const { name, clear } of suspicions) {
      if ([nameOf('page', place), place.key, 'api'].includes(name)) clear();
    }
    if (circuits.size === 0) return [];
    return [...STOPS, ...PROBED.map(([trouble, scope]) => fieldOf(trouble, scope, place))].filter((field) => {
      const circuit = circuits.get(field);
      if (circuit === undefined) return false;
      // A request that was under way when the API broke may still succeed; where messages were refused, any success counts.
      const isRefusal = field.startsWith('forbidden') || field.startsWith('refusing');
      return isRefusal || probes.includes(field) || beganAt >= circuit.openAt;
    });
  }

  /** @returns the widest open circuit of this trouble that covers the message. */
  function openCircuitOf(trouble: Trouble, { pageId, key }: RequestFacts): Known | undefined {
    const place = { page: pageId, key: key ?? '' };
    for (const scope of ['api', 'key', 'page'] as const) {
      const circuit = circuits.get(fieldOf(trouble, scope, place));
      if (circuit) return circuit;
    }
    return undefined;
  }

  async function tellAll(facts: RequestFacts): Promise<Told> {
    const { shown, probes } = facts;
    if (shown.works === 'answered') successes.noteAnswer();
    const closed = [
      ...(shown.works === 'accepted' ? noteSuccess(facts) : closedByAnswer(facts)),
      ...closedByKey(facts),
    ];
    await close(closed);
    const failed = probes.filter((field) => !closed.includes(field));
    const told = shown.trouble === null ? ABOUT_ITSELF : await toldOf(shown.trouble, facts, failed);
    const isSame = (field: string): boolean => shown.trouble !== null && field.startsWith(`${shown.trouble} `);
    await giveUp(failed.filter((field) => !isSame(field)));
    return told;
  }

  /** An answer shows that the API is not down, whatever it says. */
  function closedByAnswer({ shown, probes }: RequestFacts): string[] {
    return shown.works === null ? [] : probes.filter((field) => field.startsWith('failing '));
  }

  /** A page that has a key now waits no longer for one. */
  function closedByKey({ pageId, key }: RequestFacts): string[] {
    const field = fieldOf('no-key', 'page', { page: pageId, key: '' });
    return key !== null && circuits.has(field) ? [field] : [];
  }

  async function toldOf(trouble: Trouble, facts: RequestFacts, probes: readonly string[]): Promise<Told> {
    const { key, shown } = facts;
    if (trouble === 'no-key') {
      const known = openCircuitOf(trouble, facts);
      if (known && known.leavesAt > performance.now()) return toldBy(known);
      return await wide(trouble, 'page', facts, { seen: 'probe-failed', askedMs: shown.askedMs });
    }
    if (trouble === 'unauthorized')
      return await wide(trouble, 'key', facts, { seen: seenBy(trouble, 'key', facts, probes) });
    if (shown.askedScope === 'conversation' || key === null) return ABOUT_ITSELF;
    if (trouble === 'limited') return await limited(facts);
    if (trouble === 'refusing' && config.refusalsToHold === 0) return ABOUT_ITSELF;
    const open = openCircuitOf(trouble, facts);
    if (open) {
      if (!probes.includes(open.field)) return toldBy(open);
      const wasTried = open.scope !== 'api' && facts.history().length > 0;
      return await wide(trouble, open.scope, facts, { seen: wasTried ? 'tried-failed' : 'probe-failed' });
    }
    const { scope, conversations, isAccepted } = await infer(trouble, facts);
    if (scope !== 'conversation') return await wide(trouble, scope, facts, { seen: 'failed', conversations });
    return {
      ...ABOUT_ITSELF,
      isRecipientRefused: trouble === 'forbidden' && (await isRecipientRefused(facts, isAccepted)),
    };
  }

  function seenBy(trouble: Trouble, scope: WideScope, { pageId, key }: RequestFacts, probes: readonly string[]) {
    return probes.includes(fieldOf(trouble, scope, { page: pageId, key: key ?? '' })) ? 'probe-failed' : 'failed';
  }

  async function wide(
    trouble: Trouble,
    scope: WideScope,
    facts: RequestFacts,
    more: Parameters<typeof tellOf>[3],
  ): Promise<Told> {
    const delayMs = await tellOf(trouble, scope, facts, more);
    if (scope === 'key')
      noteStoppedPage(fieldOf(trouble, scope, { page: facts.pageId, key: facts.key ?? '' }), facts.pageId);
    return { ...ABOUT_ITSELF, scope, delayMs, isPaced: trouble === 'limited' };
  }

  function toldBy({ scope, leavesAt, isPaced }: Known): Told {
    return { ...ABOUT_ITSELF, scope, delayMs: Math.max(1, leavesAt - performance.now()), isPaced };
  }

  async function limited(facts: RequestFacts): Promise<Told> {
    const { askedScope, askedMs } = facts.shown;
    if (askedScope !== undefined && askedScope !== 'conversation') {
      return await wide('limited', askedScope, facts, { seen: 'refused', askedMs });
    }
    const { scope, conversations, isAccepted } = await infer('limited', facts);
    if (scope !== 'conversation')
      return await wide('limited', scope, facts, { seen: 'refused', conversations, askedMs });
    const open = openCircuitOf('limited', facts);
    if (!open) return ABOUT_ITSELF;
    // One refusal at a learned pace: the pace was too high, or it is only this conversation's limit.
    const pauseMs = Math.min(askedMs ?? SLOW_DOWN_MS, SLOW_DOWN_MS);
    const wasAccepted = isAccepted(open.openAt);
    await wide('limited', open.scope, facts, { seen: 'refused', askedMs: pauseMs, wasAccepted });
    return ABOUT_ITSELF;
  }

  /** Reports a finding, and decides from all that the fleet has seen how much the trouble concerns. */
  async function infer(
    trouble: Inferred,
    facts: RequestFacts,
  ): Promise<{ scope: Scope; conversations: number; isAccepted(sinceAt: number, name?: string): boolean }> {
    const { pageId, conversationId, key, isPrecious } = facts;
    const before = metBefore(trouble, facts);
    const foundIn = { page: pageId, conversation: conversationId, key: key ?? '' };
    const sofar = await tellEvidence(redis, namespace, {
      found: { ...foundIn, trouble, windowMs: rules[trouble].windowMs, before },
      successes: successes.report(),
    });
    const all = successes.mergedInto(sofar.successes, sofar.nowMs);
    if (trouble === 'failing') for (const [name, at] of successes.answers(sofar.nowMs)) raise(all, name, at);
    const isAccepted = (sinceAt: number, name = 'api'): boolean =>
      (all.get(name) ?? -Infinity) >= sofar.nowMs - (performance.now() - sinceAt);
    if (!sofar.isNoted) return { scope: 'conversation', conversations: 1, isAccepted };
    const place = { ...foundIn, lane: laneOf(foundIn) };
    const verdict = scopeOf(place, {
      trouble,
      findings: sofar.findings.map((one) => ({ ...one, lane: laneOf(one) })),
      successes: all,
      nowMs: sofar.nowMs,
      ...(before ? { lastedMs: before.msAgo } : {}),
      ...(trouble === 'refusing' ? { conversations: config.refusalsToHold } : {}),
    });
    const isSuspicious = verdict.scope !== 'conversation' || (trouble === 'failing' && isPrecious);
    if (trouble !== 'failing' || !isSuspicious) return { ...verdict, isAccepted };
    // Requests that left together end together, and failures are often noticed first: a success may follow in a moment.
    // A message that dies of an unknown outcome is too precious to wait for more evidence: the next one is a probe.
    const scope = verdict.scope === 'conversation' ? 'api' : verdict.scope;
    if (await isCleared(nameOf(scope, place))) return { scope: 'conversation', conversations: 1, isAccepted };
    return { scope, conversations: verdict.conversations, isAccepted };
  }

  /** Whether the recipient is refused while the key works for others. Without proof of that the key may be the cause. */
  async function isRecipientRefused(
    { pageId, conversationId, key, history }: RequestFacts,
    isAccepted: (sinceAt: number, name: string) => boolean,
  ): Promise<boolean> {
    const lane = laneOf({ page: pageId, conversation: conversationId });
    const refusals = refusalsIn(history());
    const firstAt = performance.now() - (Date.now() - Date.parse(refusals[0]?.at ?? new Date().toISOString()));
    const worksSince = refusals.length > 0 && isAccepted(firstAt, key ?? '');
    // Too few conversations are refused to blame the key, and it has worked just before.
    const isPersistent = refusals.length >= REFUSALS_TO_BELIEVE - 1 && performance.now() - firstAt > TIME_TO_BELIEVE_MS;
    const isProven = worksSince || (isPersistent && isAccepted(firstAt - JUST_BEFORE_MS, key ?? ''));
    if (!isProven) return await isRefusedRecipient(redis, namespace, lane);
    await noteRefusedRecipient(redis, namespace, lane);
    return true;
  }

  async function refresh(): Promise<void> {
    lookedAt = performance.now();
    const reported = successes.report();
    if (reported.length > 0) await tellEvidence(redis, namespace, { successes: reported });
    if (stopped.size > 0) await tellStopped();
    const facts = await readCircuits(redis, namespace);
    const unused = unusedOf(facts);
    if (unused.length > 0) await closeCircuits(redis, namespace, unused);
    const open = facts.open.filter(({ field }) => !unused.includes(field));
    for (const field of circuits.keys()) if (!open.some((one) => one.field === field)) forget(field);
    for (const circuit of open) learn(circuit, circuit.probeAt - facts.nowMs);
  }

  function lookNowAndThen(): void {
    if (performance.now() - lookedAt < LOOK_MS) return;
    refresh().catch((error: unknown) => logger.warn({ err: error }, 'the circuits could not be read'));
  }

  function leaveOf(fields: readonly string[]): Leave {
    const open = fields.flatMap((field) => circuits.get(field) ?? []);
    if (open.length === 0) return 'go';
    const leftMs = Math.max(...open.map(({ leavesAt }) => leavesAt)) - performance.now();
    return leftMs > 0 ? { waitMs: Math.min(leftMs, LOOK_MS) } : 'probe';
  }

  const probeMs = config.timeoutMs + PROBE_GRACE_MS;

  return {
    refresh,
    giveUp,
    leave() {
      lookNowAndThen();
      return suspicions.size > 0 ? { waitMs: SUSPICION_MS } : leaveOf(STOPS);
    },
    isAnythingOpen: () => circuits.size > 0,
    async admit({ id, pageId, key, wasTried, hasFailed }) {
      const place = { page: pageId, key: key ?? '' };
      const asked: string[] = [];
      for (const [trouble, scope] of PROBED) {
        const field = fieldOf(trouble, scope, place);
        const circuit = circuits.get(field);
        if (circuit === undefined || (trouble === 'failing' && scope === 'page' && hasFailed)) continue;
        const leftMs = circuit.leavesAt + (wasTried ? TRIED_GRACE_MS : 0) - performance.now();
        if (scope === 'key') noteStoppedPage(field, pageId);
        if (leftMs > 0) return { kind: 'hold', delayMs: leftMs, isSlot: false };
        asked.push(field);
      }
      for (const [trouble, scope] of LIMITS) {
        const field = fieldOf(trouble, scope, place);
        if (!circuits.has(field)) continue;
        if (scope === 'key') noteStoppedPage(field, pageId);
        asked.push(field);
      }
      if (asked.length === 0) return { kind: 'go' };
      const gate = await askGate(redis, namespace, { id, probeMs, wasTried, fields: asked });
      if (gate.verdict === 'hold') return { kind: 'hold', delayMs: gate.delayMs, isSlot: gate.isSlot };
      return gate.verdict === 'probe' ? { kind: 'probe', fields: gate.fields } : { kind: 'go' };
    },
    async askToProbe() {
      const fields = STOPS.filter((field) => circuits.has(field));
      const gate = await askGate(redis, namespace, { id: '', probeMs, wasTried: false, fields });
      if (gate.verdict === 'hold') {
        for (const field of STOPS) {
          const circuit = circuits.get(field);
          if (circuit) circuit.leavesAt = performance.now() + gate.delayMs;
        }
        return { waitMs: gate.delayMs };
      }
      if (gate.verdict === 'go') for (const field of STOPS) forget(field);
      return gate.verdict;
    },
    apiProbes: () => STOPS.filter((field) => circuits.has(field)),
    tell(facts) {
      const { shown, probes } = facts;
      if (shown.works !== 'accepted' || probes.length > 0) return tellAll(facts);
      if (circuits.size > 0) return tellAll(facts);
      noteSuccess(facts);
      return ABOUT_ITSELF;
    },
  };
}

function fieldOf(trouble: Trouble, scope: WideScope, place: { page: string; key: string }): string {
  return `${trouble} ${nameOf(scope, place)}`;
}

function laneOf({ page, conversation }: { page: string; conversation: string }): string {
  return JSON.stringify([page, conversation]);
}

function raise(times: Map<string, number>, name: string, atMs: number): void {
  if (atMs > (times.get(name) ?? -Infinity)) times.set(name, atMs);
}

/** Returns when a message met the trouble before, and where a success since then would show that others don't meet it. */
function metBefore(trouble: Inferred, { key, history }: RequestFacts): MetBefore | null {
  if (trouble === 'failing') {
    const failure = history().findLast(isFailure);
    return failure ? { msAgo: Date.now() - endedAtMs(failure), name: 'api' } : null;
  }
  const refusal = trouble === 'forbidden' ? refusalsIn(history())[0] : undefined;
  return refusal ? { msAgo: Date.now() - Date.parse(refusal.at), name: key ?? '' } : null;
}

function isFailure({ outcome }: AttemptRecord): boolean {
  return outcome === 'unknown' || outcome === 'not-sent';
}

function endedAtMs({ at, durationMs }: AttemptRecord): number {
  return Date.parse(at) + durationMs;
}

/** Returns the refusals with 403 at the end of the history. */
function refusalsIn(history: readonly AttemptRecord[]): AttemptRecord[] {
  const before = history.findLastIndex(({ outcome, httpStatus }) => outcome !== 'held' || httpStatus !== 403);
  return history.slice(before + 1);
}

/** Circuits of pages and keys that nobody has asked about for long: no message needs them. A new finding opens them again. */
function unusedOf({ nowMs, open }: Circuits): string[] {
  return open
    .filter(({ scope, isPaced, probeAt }) => (scope !== 'api' || isPaced) && probeAt < nowMs - UNUSED_MS)
    .map(({ field }) => field);
}

function messageOf(trouble: Trouble, scope: WideScope): string {
  switch (trouble) {
    case 'failing':
      return scope === 'api'
        ? 'the API does not work: messages wait, and one at a time is sent as a probe'
        : `nothing works for a ${scope}: its messages wait, and one at a time is sent as a probe`;
    case 'refusing':
      return scope === 'api'
        ? 'the API refuses everything: messages wait, and one at a time is sent as a probe; check KITECHAT_API_URL and what the API answers'
        : `the API refuses every message of a ${scope}: its messages wait, and one at a time is sent as a probe`;
    case 'limited':
      return 'the API asks to slow down: messages wait, then leave at a pace that rises slowly';
    case 'no-key':
      return 'there is no API key for a page: its messages wait; give it a key';
    case 'unauthorized':
    case 'forbidden':
      return scope === 'page'
        ? 'the API refuses every message of a page: its messages wait; check what its key may do'
        : 'the API refuses a key: the pages with this key wait; replace the key, or have it accepted again';
  }
}
