import type { WorkerLogger } from '../../shared/logging/worker-logger.ts';
import type { LaneRedis } from '../../shared/lanes/commands.ts';
import {
  circuitsOf,
  type Covering,
  fieldOf,
  isOfTrouble,
  limitsOf,
  probedCircuitsOf,
  STOPS,
} from '../evidence/circuit-fields.ts';
import type { Scope, Trouble, WideScope } from '../evidence/scope.ts';
import { createBoard, type Known, type Telling } from './board.ts';
import type { EngineErrors } from './engine-errors.ts';
import { infer, type InferenceDeps, isRecipientRefused, reportSuccesses } from './inference.ts';
import { createSuccesses } from './successes.ts';
import { createSuspicions, STOPPING_MS } from './suspicions.ts';
import { ABOUT_ITSELF, type RequestFacts, type Told } from './told.ts';

/** Whether messages may be taken: `go`, one message as a `probe`, or how long to wait. */
export type Leave = 'go' | 'probe' | { waitMs: number };

/** Whether a message that was taken may be sent. A probe names the circuits that it probes. `isSlot`: it may leave then. */
export type Admission =
  | { kind: 'go' }
  | { kind: 'probe'; fields: readonly string[] }
  | { kind: 'hold'; delayMs: number; isSlot: boolean };

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

export interface FleetDeps {
  redis: LaneRedis;
  config: { namespace: string; timeoutMs: number; refusalsToHold: number };
  errors: EngineErrors;
  logger: WorkerLogger;
  /** Where the key of a page comes from. */
  keySourceOf(pageId: string): string;
}

/** How often a worker that is not idle reads the circuits. */
const LOOK_MS = 500;
/** A message that was tried before probes a circuit this much later than others may: it may itself be the cause. */
const TRIED_GRACE_MS = 3000;
/** A refusal of one message at a learned pace slows messages down, but stops them for no longer than this. */
const SLOW_DOWN_MS = 1000;

export function createFleet({ redis, config, errors, logger, keySourceOf }: FleetDeps): Fleet {
  const { namespace, timeoutMs, refusalsToHold } = config;
  const board = createBoard({ redis, namespace, timeoutMs, logger, keySourceOf });
  const successes = createSuccesses();
  const suspicions = createSuspicions();
  const inferring: InferenceDeps = { redis, namespace, refusalsToHold, successes, suspicions };
  let lookedAt = -Infinity;

  function noteSuccess({ pageId, key }: RequestFacts): void {
    successes.note(pageId, key ?? '');
    suspicions.noteSuccess(pageId, key ?? '');
  }

  /** @returns the circuits that a success closes */
  function closedBySuccess(facts: RequestFacts): string[] {
    const fields = [...STOPS, ...probedCircuitsOf(placeOf(facts)).map(({ field }) => field)];
    return fields.filter((field) => {
      const circuit = board.get(field);
      if (circuit === undefined) return false;
      // A request that was under way when the API broke may still succeed; where messages were refused, any success counts.
      const isRefusal = isOfTrouble(field, 'forbidden') || isOfTrouble(field, 'refusing');
      return isRefusal || facts.probes.includes(field) || facts.beganAt >= circuit.openAt;
    });
  }

  /** @returns the circuits that what was shown closes */
  function closedBy(facts: RequestFacts): string[] {
    const { shown, probes } = facts;
    const noKey = fieldOf('no-key', 'page', placeOf(facts));
    const closed = facts.key !== null && board.get(noKey) ? [noKey] : [];
    if (shown.works === 'accepted') {
      return [...closed, ...closedBySuccess(facts), ...board.leftBehind(facts.pageId, facts.key ?? '')];
    }
    // An answer shows that the API is not down, whatever it says.
    return shown.works === null ? closed : [...closed, ...probes.filter((field) => isOfTrouble(field, 'failing'))];
  }

  async function tellAll(facts: RequestFacts): Promise<Told> {
    const { shown } = facts;
    if (shown.works === 'accepted') noteSuccess(facts);
    if (shown.works === 'answered') successes.noteAnswer(facts.pageId, facts.key ?? '');
    const closed = closedBy(facts);
    await board.close(closed);
    const probes = facts.probes.filter((field) => !closed.includes(field));
    const { trouble } = shown;
    const told = trouble === null ? ABOUT_ITSELF : await toldOf(trouble, { ...facts, probes });
    // Only the circuit that was told of its probe knows that the probe has ended.
    const toldField = trouble === null || !isWide(told.scope) ? null : fieldOf(trouble, told.scope, placeOf(facts));
    await board.giveUp(probes.filter((field) => field !== toldField));
    return told;
  }

  async function toldOf(trouble: Trouble, facts: RequestFacts): Promise<Told> {
    const { key, shown } = facts;
    switch (trouble) {
      case 'no-key':
        return await withoutKey(facts);
      case 'unauthorized':
        return await wide(trouble, 'key', facts, { seen: seenBy(fieldOf(trouble, 'key', placeOf(facts)), facts) });
      case 'limited':
        return key === null || shown.askedScope === 'conversation' ? ABOUT_ITSELF : await limited(facts);
      case 'refusing':
        return refusalsToHold === 0 ? ABOUT_ITSELF : await inferred(trouble, facts);
      case 'failing':
      case 'forbidden':
        return await inferred(trouble, facts);
    }
  }

  async function withoutKey(facts: RequestFacts): Promise<Told> {
    const open = openCircuit(circuitsOf('no-key', placeOf(facts)));
    if (open && open.leavesAt > performance.now()) return toldBy(open);
    return await wide('no-key', 'page', facts, { seen: 'probe-failed', askedMs: facts.shown.askedMs });
  }

  async function inferred(trouble: 'failing' | 'forbidden' | 'refusing', facts: RequestFacts): Promise<Told> {
    const covering = circuitsOf(trouble, placeOf(facts));
    const probed = openCircuit(covering.filter(({ field }) => facts.probes.includes(field)));
    const open = probed ?? openCircuit(covering);
    if (open && !probed) return toldBy(open);
    if (open) {
      const told = await wide(trouble, open.scope, facts, { seen: seenBy(open.field, facts) });
      return { ...told, isProbe: true };
    }
    const { scope, conversations, pages, isAccepted } = await infer(inferring, trouble, facts);
    if (scope !== 'conversation') return await wide(trouble, scope, facts, { seen: 'failed', conversations, pages });
    if (trouble !== 'forbidden') return ABOUT_ITSELF;
    return { ...ABOUT_ITSELF, isRecipientRefused: await isRecipientRefused(inferring, facts, isAccepted) };
  }

  async function limited(facts: RequestFacts): Promise<Told> {
    const { askedScope, askedMs } = facts.shown;
    if (isWide(askedScope)) return await wide('limited', askedScope, facts, { seen: 'asked', askedMs });
    const { scope, conversations, pages, isAccepted } = await infer(inferring, 'limited', facts);
    if (isWide(scope)) return await wide('limited', scope, facts, { seen: 'refused', conversations, pages, askedMs });
    const open = openCircuit(circuitsOf('limited', placeOf(facts)));
    if (!open) return ABOUT_ITSELF;
    // One refusal at a learned pace: the pace was too high, or it is only this conversation's limit.
    const pauseMs = Math.min(askedMs ?? SLOW_DOWN_MS, SLOW_DOWN_MS);
    const wasAccepted = isAccepted(open.openAt);
    await wide('limited', open.scope, facts, { seen: 'refused', askedMs: pauseMs, wasAccepted });
    return ABOUT_ITSELF;
  }

  async function wide(trouble: Trouble, scope: WideScope, facts: RequestFacts, telling: Telling): Promise<Told> {
    const delayMs = await board.tell(trouble, scope, facts, telling);
    if (scope === 'key') board.noteStopped(fieldOf(trouble, scope, placeOf(facts)), facts.pageId);
    return { ...ABOUT_ITSELF, scope, delayMs, isPaced: trouble === 'limited' };
  }

  function openCircuit(covering: readonly Covering[]): Known | undefined {
    return covering.flatMap(({ field }) => board.get(field) ?? [])[0];
  }

  async function refresh(): Promise<void> {
    lookedAt = performance.now();
    await reportSuccesses(inferring);
    await board.read();
  }

  function lookNowAndThen(): void {
    if (performance.now() - lookedAt < LOOK_MS) return;
    refresh().catch((error: unknown) =>
      errors.note(error, 'the worker could not read the circuits; it reads them again'),
    );
  }

  function leaveOf(open: readonly Known[]): Leave {
    if (open.length === 0) return 'go';
    const leftMs = Math.max(...open.map(({ leavesAt }) => leavesAt)) - performance.now();
    return leftMs > 0 ? { waitMs: Math.min(leftMs, LOOK_MS) } : 'probe';
  }

  const openStops = (): Known[] => STOPS.flatMap((field) => board.get(field) ?? []);

  return {
    refresh,
    giveUp: board.giveUp,
    isAnythingOpen: () => board.size() > 0,
    apiProbes: () => openStops().map(({ field }) => field),
    leave() {
      lookNowAndThen();
      return suspicions.areStopping() ? { waitMs: STOPPING_MS } : leaveOf(openStops());
    },
    async admit({ id, pageId, key, wasTried, hasFailed }) {
      const place = { page: pageId, key: key ?? '' };
      const isExempt = ({ trouble, scope }: Covering): boolean =>
        hasFailed && trouble === 'failing' && scope === 'page';
      const probed = probedCircuitsOf(place).filter((one) => board.get(one.field) && !isExempt(one));
      const limits = limitsOf(place).filter(({ field }) => board.get(field));
      const covering = [...probed, ...limits];
      if (covering.length === 0) return { kind: 'go' };
      for (const { scope, field } of covering) if (scope === 'key') board.noteStopped(field, pageId);
      const leavesAt = Math.max(...probed.map(({ field }) => board.get(field)?.leavesAt ?? 0));
      const leftMs = leavesAt + (wasTried ? TRIED_GRACE_MS : 0) - performance.now();
      if (leftMs > 0) return { kind: 'hold', delayMs: leftMs, isSlot: false };
      const gate = await board.ask(
        id,
        wasTried,
        covering.map(({ field }) => field),
      );
      if (gate.verdict === 'hold') return { kind: 'hold', delayMs: gate.delayMs, isSlot: gate.isSlot };
      return gate.verdict === 'probe' ? { kind: 'probe', fields: gate.fields } : { kind: 'go' };
    },
    async askToProbe() {
      const fields = openStops().map(({ field }) => field);
      const gate = await board.ask('', false, fields).catch((error: unknown) => {
        // BullMQ would ask again at once.
        errors.note(error, 'the worker could not ask whether a probe may leave; it asks again');
        return { verdict: 'hold', delayMs: LOOK_MS } as const;
      });
      if (gate.verdict === 'go') for (const { field } of openStops()) board.forget(field);
      if (gate.verdict !== 'hold') return gate.verdict;
      for (const { field } of openStops()) board.postpone(field, gate.delayMs);
      return { waitMs: gate.delayMs };
    },
    tell(facts) {
      if (facts.shown.works !== 'accepted' || facts.probes.length > 0 || board.size() > 0) return tellAll(facts);
      noteSuccess(facts);
      return ABOUT_ITSELF;
    },
  };
}

function placeOf({ pageId, key }: RequestFacts): { page: string; key: string } {
  return { page: pageId, key: key ?? '' };
}

function isWide(scope: Scope | undefined): scope is WideScope {
  return scope !== undefined && scope !== 'conversation';
}

/** A probe by a message that was tried before leaves the others' next probe alone: the message may be the cause. */
function seenBy(field: string, { probes, history }: RequestFacts): Telling['seen'] {
  if (!probes.includes(field)) return 'failed';
  return history().length > 0 && !STOPS.includes(field) ? 'tried-failed' : 'probe-failed';
}

function toldBy({ scope, leavesAt, isPaced }: Known): Told {
  return { ...ABOUT_ITSELF, scope, delayMs: Math.max(1, leavesAt - performance.now()), isPaced };
}
