import type { Job } from 'bullmq';
import type { Logger } from 'pino';
import type { AttemptRecord } from '../shared/attempts.ts';
import type { DeadLetterPolicy } from '../shared/dead-letter.ts';
import type { UnknownOutcomePolicy } from '../shared/enqueue-options.ts';
import { settle, type Settlement } from '../shared/lanes/settle.ts';
import { decodePayload, type StoredPayload } from '../shared/payload.ts';
import type { Shard } from '../shared/queues.ts';
import { openRequest } from '../shared/sealing/sealed-content.ts';
import type { Sealing } from '../shared/sealing/sealing.ts';
import { type Admission, type Admit, WAKE_EARLY_MS } from './admit.ts';
import { type AttemptReport, describeMessage } from './attempt-report.ts';
import { recordOf } from './attempt-record.ts';
import { type Attempted, diedInMidSend, type SendAttempt } from './attempt.ts';
import { decide, type Decision } from './decide.ts';
import { evidenceOf } from './evidence.ts';
import type { Fleet, Pause } from './fleet.ts';
import { finishGone, finishLater, finishLost, finishTakenBack, finishSettled } from './finish.ts';
import { cutResponse, deadLetterOf, type MessageContext, NO_MESSAGE } from './message-context.ts';
import type { StopSignal } from './stop-signal.ts';
import { problemOfStored, sendable } from './stored-request.ts';
import { untilAnswered } from './until-answered.ts';

export interface ProcessConfig {
  attempts: number;
  backoffMs: number;
  backoffMaxMs: number;
  onUnknownOutcome: UnknownOutcomePolicy;
  onDeadLetter: DeadLetterPolicy;
  keepDoneMs: number;
}

/** What became of a message that a worker picked up. */
export type ClaimVerdict = Admission['answer']['verdict'];

export interface ProcessDeps {
  config: ProcessConfig;
  admit: Admit;
  send: SendAttempt;
  fleet: Pick<Fleet, 'tell'>;
  sealing: Sealing;
  logger: Logger;
  /** Told of every attempt. */
  report(report: AttemptReport): void;
  /** Told how each claim came out. */
  claimed(verdict: ClaimVerdict): void;
  /** A name that no other attempt has. */
  newAttempt(): string;
}

/** What a worker has found out about a message, and what is to become of it. */
interface Ending {
  decision: Decision;
  /** What goes to the history; `null` if nothing was tried. */
  record: AttemptRecord | null;
  /** The attempt behind the record, if this worker made it. */
  attempted: Attempted | null;
  /** Why the message can't be read. */
  problem?: string;
}

export type ProcessMessage = (shard: Shard, job: Job, token: string, signal: StopSignal) => Promise<void>;

/** The path of one message through a worker: claim → send → classify → decide → settle → finish. */
export function createProcessor({
  config,
  admit,
  send,
  fleet,
  sealing,
  logger,
  report,
  claimed: tellClaim,
  newAttempt,
}: ProcessDeps): ProcessMessage {
  return async (shard, job, token, signal) => {
    const id = job.id ?? '';
    const payload = sendable(decodePayload(job.data));
    const admission = await admit(
      shard,
      { id, token, attempt: newAttempt() },
      { payload, onUnknownOutcome: policyOf(payload) },
    );
    const { answer } = admission;
    tellClaim(answer.verdict);
    switch (answer.verdict) {
      case 'lost':
        return finishLost();
      case 'parked':
        return finishTakenBack();
      case 'foreign':
        logger.warn({ id }, 'a job in the send queue is no message of ours; it is dropped');
        return finishGone(job);
      case 'settled':
        return answer.as === 'dead' ? finishGone(job) : undefined;
      case 'wait':
        return await finishLater(job, token, Math.max(1, answer.delayMs - WAKE_EARLY_MS));
      case 'go':
      case 'unknown':
      case 'expired':
      case 'crashed':
        break;
    }
    const message: MessageContext = { job, id, token, payload, claimed: answer.claimed };
    const ending = await findEnding(message, answer.verdict, admission, signal);
    const settlement = settlementOf(message, ending);
    const { claimed } = message;
    const attempt = {
      id,
      token,
      openAttempt: claimed.openAttempt,
      record: ending.record,
      survived: answer.verdict === 'go',
    };
    const result = await untilAnswered(() => settle(shard, attempt, settlement), logger, signal);
    report({
      id,
      ...describeMessage(message.payload, job),
      outcome: ending.record?.outcome ?? null,
      detail: ending.record?.detail ?? ending.problem ?? null,
      httpStatus: ending.record?.httpStatus ?? null,
      durationMs: ending.record?.durationMs ?? 0,
      attempt: claimed.attemptsUsed + 1,
      attemptsAllowed: config.attempts,
      next: result.verdict === 'lost' ? 'lost' : settlement.kind,
      delayMs: result.verdict === 'done' && 'delayMs' in settlement ? result.delayMs : null,
      reason: ending.decision.kind === 'dead' ? ending.decision.reason : null,
    });
    return await finishSettled(job, token, settlement, result);
  };

  async function findEnding(
    { id, payload, claimed }: MessageContext,
    verdict: 'go' | 'unknown' | 'expired' | 'crashed',
    { claimedAt, isProbe }: Admission,
    signal: StopSignal,
  ): Promise<Ending> {
    if (verdict === 'expired' || verdict === 'crashed') {
      const attempted = claimed.openAttempt === '' ? null : diedInMidSend();
      const record = attempted && recordOf(attempted, policyOf(payload));
      return { decision: { kind: 'dead', reason: verdict }, record, attempted: null };
    }
    if (payload === null) return unreadable(NO_MESSAGE);
    const opened = verdict === 'unknown' ? null : openRequest(sealing, id, payload.request);
    if (opened && 'problem' in opened) return unreadable(opened.problem);
    const problem = opened && 'sealed' in payload.request ? problemOfStored(opened.request) : null;
    if (problem !== null) return unreadable(problem);
    const attempted = opened ? await send(opened.request, claimedAt + claimed.lockMs, signal) : diedInMidSend();
    const policy = policyOf(payload);
    const pause = await tellFleet(id, attempted, { isProbe, policy });
    const decision = decide(attempted.outcome, {
      backoffMs: config.backoffMs,
      backoffMaxMs: config.backoffMaxMs,
      attemptsUsed: claimed.attemptsUsed,
      attemptsAllowed: config.attempts,
      history: claimed.history,
      onUnknownOutcome: policy,
      pause,
      random: Math.random(),
    });
    return { decision, record: recordOf(attempted, policy, pause.apiMs), attempted };
  }

  /** Before the message is settled: until the fleet knows, no other message may take its place. */
  async function tellFleet(
    id: string,
    attempted: Attempted,
    { isProbe, policy }: { isProbe: boolean; policy: UnknownOutcomePolicy },
  ): Promise<Pause> {
    const { keyCircuit } = attempted;
    try {
      return await fleet.tell({ id, evidence: evidenceOf(attempted), keyCircuit, isProbe, onUnknownOutcome: policy });
    } catch (error) {
      logger.warn({ err: error }, 'the fleet could not be told of an attempt');
      return { apiMs: 0, keyMs: 0 };
    }
  }

  function settlementOf(message: MessageContext, { decision, record, attempted, problem }: Ending): Settlement {
    if (decision.kind === 'delivered') return { kind: 'delivered', keepMs: config.keepDoneMs };
    if (decision.kind === 'hold') return holdOf(decision, message.payload);
    if (decision.kind !== 'dead') return decision;
    const exchange = attempted?.exchange;
    const death = {
      reason: decision.reason,
      record,
      response: exchange ? cutResponse(exchange.httpStatus, exchange.body) : null,
      attemptsAllowed: config.attempts,
      problem,
    };
    const letter = deadLetterOf(message, death, sealing);
    return { kind: 'dead', letter, holds: config.onDeadLetter === 'hold' };
  }

  function holdOf(
    { delayMs, page: reason }: Extract<Decision, { kind: 'hold' }>,
    payload: StoredPayload | null,
  ): Settlement {
    if (reason === undefined || payload === null) return { kind: 'hold', delayMs };
    return { kind: 'hold', delayMs, page: { pageId: payload.request.pageId, reason } };
  }

  function policyOf(payload: StoredPayload | null): UnknownOutcomePolicy {
    return payload?.onUnknownOutcome ?? config.onUnknownOutcome;
  }
}

function unreadable(problem: string): Ending {
  return { decision: { kind: 'dead', reason: 'undecodable' }, record: null, attempted: null, problem };
}
