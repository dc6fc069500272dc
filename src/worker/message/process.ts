import type { Logger } from 'pino';
import { decodeHistory, type NewAttempt } from '../../shared/model/attempts.ts';
import type { DeadLetterPolicy } from '../../shared/model/dead-letter.ts';
import type { UnknownOutcomePolicy } from '../../shared/model/enqueue-options.ts';
import type { Settlement } from '../../shared/lanes/messages/settle-and-take.ts';
import type { Sealing } from '../../shared/sealing/sealing.ts';
import type { Attempt, TakenHere } from './attempt.ts';
import { decide, type DecideContext, type Decision, usesAttempt } from './decide.ts';
import { evidenceOf } from './evidence.ts';
import { type Fleet, NO_PAUSE, type Pause } from '../fleet/fleet-view.ts';
import type { Keyring } from '../keys/keyring.ts';
import { pausedFor } from './backoff.ts';
import { readTaken } from './read-message.ts';
import { diedInMidSend, type Send, type Sent } from './send.ts';
import { settlementOf } from './settlement.ts';
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
  fleet: Pick<Fleet, 'tell' | 'hasRefusedKeys' | 'leaveFor' | 'askToProbe' | 'giveUpProbe'>;
  keyring: Keyring;
  sealing: Sealing;
  logger: Logger;
}

/** An attempt that has ended, and the settlement for its shard. */
export interface Ended {
  attempt: Attempt;
  settlement: Settlement;
}

/** @param lockedUntil when the lock on the message ends, on the clock of `performance.now()` */
export type ProcessMessage = (taken: TakenHere, lockedUntil: number, signal: StopSignal) => Promise<Ended>;

/** What is known of an attempt before anything is tried. */
type Known = Pick<Attempt, 'taken' | 'message' | 'policy'>;
type Findings = Pick<Attempt, 'sent' | 'decision' | 'record'>;

const UNTRIED = { sent: null, record: null } as const;

/** Creates the function that processes a message which a worker has taken: read → send → classify → tell → decide. */
export function createProcessor({ config, send, fleet, keyring, sealing, logger }: ProcessDeps): ProcessMessage {
  const settling = { ...config, sealing };

  return async (taken, lockedUntil, signal) => {
    const message = readTaken(sealing, taken);
    const policy = message.stored?.onUnknownOutcome ?? config.onUnknownOutcome;
    const known = { taken, message, policy };
    const findings = taken.verdict === 'go' ? await sendOrHold(known, lockedUntil, signal) : await conclude(known);
    if (taken.isProbe && findings.sent === null) await giveUpProbe();
    const attempt = { taken, message, policy, ...findings };
    return { attempt, settlement: settlementOf(attempt, settling) };
  };

  /** Decides about a message that is not to be sent. */
  async function conclude(known: Known): Promise<Findings> {
    const { taken, message, policy } = known;
    if (taken.verdict === 'expired') return { ...UNTRIED, decision: { kind: 'dead', reason: 'expired' } };
    const sent = diedInMidSend();
    if (taken.verdict === 'crashed') {
      return { sent: null, record: recordOf(sent, policy, NO_PAUSE), decision: { kind: 'dead', reason: 'crashed' } };
    }
    return message.stored === null ? undecodable() : findingsOf(known, sent, await tell(known, sent, taken.isProbe));
  }

  async function sendOrHold(known: Known, lockedUntil: number, signal: StopSignal): Promise<Findings> {
    const { taken, message } = known;
    const { stored, body } = message;
    if (stored === null || body === null) return undecodable();
    const { pageId } = stored.request;
    const keyLeave = fleet.hasRefusedKeys() ? await leaveOfKey(pageId) : 'go';
    if (typeof keyLeave === 'object') {
      const delayMs = pausedFor(keyLeave.waitMs, Math.random());
      return { ...UNTRIED, decision: { kind: 'hold', delayMs } };
    }
    const { id, attemptsUsed } = taken;
    const label = stored.label ?? null;
    const sent = await send({ id, pageId, label, attempt: attemptsUsed + 1, body, lockedUntil, signal });
    const told = tell(known, sent, taken.isProbe || keyLeave === 'probe');
    return findingsOf(known, sent, 'then' in told ? await told : told);
  }

  /** Gives up the probe because nothing was sent, so that another message may find out whether the API works. */
  async function giveUpProbe(): Promise<void> {
    try {
      await fleet.giveUpProbe();
    } catch (error) {
      logger.warn({ err: error }, 'could not tell the fleet that a probe was not sent');
    }
  }

  async function leaveOfKey(pageId: string): Promise<ReturnType<Fleet['leaveFor']>> {
    const key = await keyring.keyFor(pageId);
    if ('unusable' in key) return 'go';
    const leave = fleet.leaveFor(key.circuit);
    return leave === 'probe' ? await fleet.askToProbe(key.circuit) : leave;
  }

  function findingsOf({ taken, policy }: Known, sent: Sent, pause: Pause): Findings {
    return { sent, decision: decideOn(taken, sent, { policy, pause }), record: recordOf(sent, policy, pause) };
  }

  /** Reports to the fleet. Runs before the message is settled, so that no other message takes its place until the fleet knows. */
  function tell({ taken, policy }: Known, sent: Sent, isProbe: boolean): Pause | Promise<Pause> {
    const { keyCircuit } = sent;
    const evidence = evidenceOf(sent);
    const told = fleet.tell({ id: taken.id, evidence, keyCircuit, isProbe, onUnknownOutcome: policy });
    if (!('then' in told)) return told;
    return told.catch((error: unknown) => {
      logger.warn({ err: error }, 'could not tell the fleet what an attempt has shown');
      return NO_PAUSE;
    });
  }

  function decideOn(
    taken: TakenHere,
    { outcome }: Sent,
    { policy, pause }: { policy: UnknownOutcomePolicy; pause: Pause },
  ): Decision {
    const context: DecideContext = {
      backoffMs: config.backoffMs,
      backoffMaxMs: config.backoffMaxMs,
      attemptsUsed: taken.attemptsUsed,
      attemptsAllowed: config.attempts,
      history: () => decodeHistory(taken.history),
      onUnknownOutcome: policy,
      pause,
      random: Math.random(),
    };
    return decide(outcome, context);
  }
}

/** Returns the history entry of an attempt. */
function recordOf(
  { outcome, startedAtMs, exchange }: Sent,
  policy: UnknownOutcomePolicy,
  { apiMs }: Pause,
): NewAttempt {
  return {
    atMs: startedAtMs,
    outcome: outcome.kind,
    detail: outcome.detail,
    httpStatus: outcome.httpStatus,
    durationMs: exchange?.durationMs ?? 0,
    usedAttempt: usesAttempt(outcome, policy, apiMs),
  };
}

function undecodable(): Findings {
  return { ...UNTRIED, decision: { kind: 'dead', reason: 'undecodable' } };
}
