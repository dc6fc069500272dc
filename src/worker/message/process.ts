import { decodeHistory, encodeAttempt, type NewAttempt } from '../../shared/model/attempts.ts';
import type { DeadLetterPolicy } from '../../shared/model/dead-letter.ts';
import type { UnknownOutcomePolicy } from '../../shared/model/enqueue-options.ts';
import type { Settlement } from '../../shared/lanes/messages/settle-and-take.ts';
import type { Sealing } from '../../shared/sealing/sealing.ts';
import type { Attempt, TakenHere } from './attempt.ts';
import { decide, type DecideContext, type Decision, usesAttempt } from './decide.ts';
import { shownBy } from './evidence.ts';
import { createKeyWait } from './key-wait.ts';
import type { EngineErrors } from '../fleet/engine-errors.ts';
import type { Admission, Fleet } from '../fleet/fleet-view.ts';
import { ABOUT_ITSELF, type Told } from '../fleet/told.ts';
import type { Keyring } from '../keys/keyring.ts';
import { pausedFor } from './pause.ts';
import { type Outcome, refusedForGood } from './classify.ts';
import { readTaken } from './read-message.ts';
import type { Resolution } from './resolve-unknown.ts';
import type { Doubtful, Resolver } from './resolver.ts';
import { diedInMidSend, type Send, type Sent } from './send.ts';
import { settlementOf } from './settlement.ts';
import { detailAfterNotSent, resolvedDetail } from './uncertain.ts';
import type { BeginSpan } from './attempt-span.ts';
import type { StopSignal } from '../http/stop-signal.ts';

export interface ProcessConfig {
  attempts: number;
  backoffMs: number;
  backoffMaxMs: number;
  onUnknownOutcome: UnknownOutcomePolicy;
  onDeadLetter: DeadLetterPolicy;
}

export interface ProcessDeps {
  config: ProcessConfig;
  send: Send;
  fleet: Pick<Fleet, 'tell' | 'isAnythingOpen' | 'admit' | 'apiProbes' | 'giveUp'>;
  keyring: Keyring;
  sealing: Sealing;
  beginSpan: BeginSpan;
  errors: EngineErrors;
  /** Only with the hook `resolveUnknown`. */
  resolver?: Resolver | undefined;
}

/** An attempt that has ended, and the settlement for its shard. */
export interface Ended {
  attempt: Attempt;
  settlement: Settlement;
}

/** @param lockedUntil when the lock on the message ends, on the clock of `performance.now()` */
export type ProcessMessage = (taken: TakenHere, lockedUntil: number, signal: StopSignal) => Promise<Ended>;

/** What is known of an attempt before anything is tried. */
type Known = Doubtful & Pick<Attempt, 'policy'>;
type Findings = Pick<Attempt, 'sent' | 'decision' | 'record'>;

const UNTRIED = { sent: null, record: null } as const;
const GO: Admission = { kind: 'go' };

/** Creates the function that processes a message which a worker has taken: read → admit → send → classify → tell → decide. */
export function createProcessor(deps: ProcessDeps): ProcessMessage {
  const { config, send, fleet, keyring, sealing, beginSpan, errors, resolver } = deps;
  const settling = { ...config, sealing };
  const keyWaitMs = createKeyWait();

  return async (taken, lockedUntil, signal) => {
    const message = readTaken(sealing, taken);
    const policy = message.stored?.onUnknownOutcome ?? config.onUnknownOutcome;
    const known = { taken, message, policy, signal };
    const findings = taken.verdict === 'go' ? await sendOrHold(known, lockedUntil) : await conclude(known);
    if (taken.isProbe && !findings.sent?.exchange) await giveUp(fleet.apiProbes());
    const attempt = { taken, message, policy, ...findings };
    return { attempt, settlement: settlementOf(attempt, settling) };
  };

  /** Decides about a message that is not to be sent. */
  async function conclude(known: Known): Promise<Findings> {
    const { taken, message, policy } = known;
    if (taken.verdict === 'expired') return { ...UNTRIED, decision: { kind: 'dead', reason: 'expired' } };
    const open = resolver && (await resolver.openAttemptOf(taken));
    const sent = diedInMidSend(open?.openedAtMs);
    if (taken.verdict === 'crashed') {
      const record = recordOf(sent, policy, ABOUT_ITSELF);
      const findings: Findings = { sent: null, record, decision: { kind: 'dead', reason: 'crashed' } };
      // It may have been the hook that killed the last worker: then no worker would survive the message.
      return open?.isPastCrashed === false ? await resolveDeath(known, findings, ABOUT_ITSELF) : findings;
    }
    return message.stored === null ? undecodable() : await findingsOf(known, sent, ABOUT_ITSELF);
  }

  async function sendOrHold(known: Known, lockedUntil: number): Promise<Findings> {
    const { taken, message, signal } = known;
    const { stored, body } = message;
    if (message.missingKey !== undefined) return waitForKey(known);
    if (stored === null || body === null) return undecodable();
    const { pageId, conversationId } = stored.request;
    const admission = fleet.isAnythingOpen() ? await admissionOf(known, pageId) : GO;
    if (admission.kind === 'hold') return { ...UNTRIED, decision: holdFor(admission) };
    const isDoubtful = resolver && taken.history !== '';
    const resolution = isDoubtful ? await resolver.resolve(known, taken.history, lockedUntil) : 'unknown';
    if (resolution === 'delivered') {
      if (admission.kind === 'probe') await giveUp(admission.fields);
      return foundDelivered();
    }
    const beganAt = performance.now();
    const { id, attemptsUsed } = taken;
    const { label } = stored;
    const sendable = { id, pageId, label: label ?? null, attempt: attemptsUsed + 1, body, lockedUntil, signal };
    const span = beginSpan(taken);
    const sent = await (span ? span.around(() => send(sendable)) : send(sendable));
    const probes = [
      ...(taken.isProbe ? fleet.apiProbes() : []),
      ...(admission.kind === 'probe' ? admission.fields : []),
    ];
    const told = tell(known, sent, { pageId, conversationId, beganAt, probes });
    const findings = findingsOf(known, sent, 'then' in told ? await told : told, resolution);
    return 'then' in findings ? await findings : findings;
  }

  /** The history says once which key the message waits for. */
  function waitForKey({ taken, message: { problem: detail } }: Known): Findings {
    const decision: Decision = { kind: 'hold', delayMs: keyWaitMs(Date.now() - taken.enqueuedAtMs) };
    const last = decodeHistory(taken.history).at(-1);
    if (last?.detail === detail) return { ...UNTRIED, decision };
    const atMs = Date.now();
    const record = { atMs, outcome: 'held', detail, httpStatus: null, durationMs: 0, usedAttempt: false } as const;
    return { sent: null, record, decision };
  }

  async function admissionOf({ taken }: Known, pageId: string): Promise<Admission> {
    const key = await keyring.keyFor(pageId);
    return await fleet.admit({
      id: taken.id,
      pageId,
      key: 'unusable' in key ? null : key.circuit,
      wasTried: taken.history !== '',
      hasFailed: taken.attemptsUsed > 0,
    });
  }

  /** Gives up probes because nothing was sent, so that another message may find out what works. */
  async function giveUp(probes: readonly string[]): Promise<void> {
    try {
      await fleet.giveUp(probes);
    } catch (error) {
      errors.note(error, 'the worker could not tell the fleet that a probe was not sent');
    }
  }

  /** @param resolution what the hook has said of the attempts before */
  function findingsOf(
    known: Known,
    { outcome, ...sent }: Sent,
    told: Told,
    resolution: Resolution = 'unknown',
  ): Findings | Promise<Findings> {
    const { taken, policy } = known;
    const judged = { ...sent, outcome: told.isRecipientRefused ? refusedForGood(outcome) : outcome };
    const record = recordOf(judged, policy, told);
    if (resolution === 'not-sent') record.detail = detailAfterNotSent(record.detail);
    const findings = { sent: judged, decision: decideOn(taken, judged.outcome, policy, told), record };
    return resolver && isDeathOfUnknown(findings) ? resolveDeath(known, findings, told) : findings;
  }

  /** Asks the hook about a message that is dead because of an unknown outcome. */
  async function resolveDeath(known: Known, findings: Findings, told: Told): Promise<Findings> {
    const { taken, policy } = known;
    const { record, decision } = findings;
    if (!resolver || record === null) return findings;
    const history = [taken.history, encodeAttempt(record)].filter((line) => line !== '').join('\n');
    const resolution = await resolver.resolve(known, history, Infinity);
    if (resolution === 'unknown') return findings;
    const resolved = { ...record, detail: resolvedDetail(record.detail, resolution) };
    if (resolution === 'delivered') {
      return { ...findings, record: resolved, decision: { kind: 'delivered', proof: 'hook' } };
    }
    // A message that kills its workers would kill the next one, too.
    if (decision.kind === 'dead' && decision.reason === 'crashed') return { ...findings, record: resolved };
    return {
      ...findings,
      record: { ...resolved, usedAttempt: false },
      decision: decideOn(taken, { kind: 'not-sent', holdMs: null }, policy, told),
    };
  }

  /** Reports to the fleet. Runs before the message is settled, so that no other message takes its place until the fleet knows. */
  function tell(
    { taken, policy }: Known,
    sent: Sent,
    request: { pageId: string; conversationId: string; beganAt: number; probes: readonly string[] },
  ): Told | Promise<Told> {
    const told = fleet.tell({
      ...request,
      id: taken.id,
      key: sent.keyCircuit,
      shown: shownBy(sent),
      history: () => decodeHistory(taken.history),
      isPrecious: policy === 'dead-letter',
    });
    if (!('then' in told)) return told;
    return told.catch((error: unknown) => {
      errors.note(error, 'the worker could not tell the fleet what an attempt has shown');
      return ABOUT_ITSELF;
    });
  }

  function decideOn(
    taken: TakenHere,
    outcome: Pick<Outcome, 'kind' | 'holdMs' | 'trouble'>,
    policy: UnknownOutcomePolicy,
    told: Told,
  ): Decision {
    const context: DecideContext = {
      backoffMs: config.backoffMs,
      backoffMaxMs: config.backoffMaxMs,
      attemptsUsed: taken.attemptsUsed,
      attemptsAllowed: config.attempts,
      history: () => decodeHistory(taken.history),
      onUnknownOutcome: policy,
      told,
      random: Math.random(),
    };
    return decide(outcome, context);
  }
}

/** A message with a slot waits until then; others look again before, because the circuit may be closed by then. */
function holdFor({ delayMs, isSlot }: Extract<Admission, { kind: 'hold' }>): Decision {
  return { kind: 'hold', delayMs: isSlot ? Math.ceil(delayMs) : pausedFor(delayMs, Math.random()) };
}

/** Returns the history entry of an attempt. */
function recordOf({ outcome, startedAtMs, exchange }: Sent, policy: UnknownOutcomePolicy, told: Told): NewAttempt {
  return {
    atMs: startedAtMs,
    outcome: outcome.kind,
    detail: outcome.detail,
    httpStatus: outcome.httpStatus,
    durationMs: exchange?.durationMs ?? 0,
    usedAttempt: usesAttempt(outcome, policy, told),
  };
}

/** A message that the hook found delivered before it was sent again. */
function foundDelivered(): Findings {
  const detail = 'resolveUnknown: delivered, nothing was sent';
  return {
    sent: null,
    record: { atMs: Date.now(), outcome: 'delivered', detail, httpStatus: null, durationMs: 0, usedAttempt: false },
    decision: { kind: 'delivered', proof: 'hook' },
  };
}

function isDeathOfUnknown({ decision, record }: Findings): boolean {
  return decision.kind === 'dead' && record?.outcome === 'unknown';
}

function undecodable(): Findings {
  return { ...UNTRIED, decision: { kind: 'dead', reason: 'undecodable' } };
}
