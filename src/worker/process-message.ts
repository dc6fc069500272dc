import type { Job } from 'bullmq';
import type { Logger } from 'pino';
import type { AttemptRecord } from '../shared/attempts.ts';
import type { DeadLetterPolicy } from '../shared/dead-letter.ts';
import type { UnknownOutcomePolicy } from '../shared/enqueue-options.ts';
import { settle, type Settlement } from '../shared/lanes/settle.ts';
import { decodePayload, type MessagePayload } from '../shared/payload.ts';
import type { Shard } from '../shared/queues.ts';
import { type Admission, type Admit, WAKE_EARLY_MS } from './admit.ts';
import { type AttemptReport, describeMessage } from './attempt-report.ts';
import { recordOf } from './attempt-record.ts';
import { type Attempted, diedInMidSend, type SendAttempt } from './attempt.ts';
import { decide, type Decision } from './decide.ts';
import { evidenceOf } from './evidence.ts';
import type { Fleet, Pause } from './fleet.ts';
import { finishGone, finishLater, finishLost, finishParked, finishSettled } from './finish.ts';
import { cutResponse, deadLetterOf, type MessageContext } from './message-context.ts';
import { untilAnswered } from './until-answered.ts';

export interface ProcessConfig {
  attempts: number;
  backoffMs: number;
  backoffMaxMs: number;
  onUnknownOutcome: UnknownOutcomePolicy;
  onDeadLetter: DeadLetterPolicy;
}

/** What became of a message that a worker picked up. */
export type ClaimVerdict = Admission['answer']['verdict'];

export interface ProcessDeps {
  config: ProcessConfig;
  admit: Admit;
  send: SendAttempt;
  fleet: Pick<Fleet, 'tell'>;
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
}

export type ProcessMessage = (shard: Shard, job: Job, token: string, signal: AbortSignal) => Promise<void>;

/** The path of one message through a worker: claim → send → classify → decide → settle → finish. */
export function createProcessor({
  config,
  admit,
  send,
  fleet,
  logger,
  report,
  claimed: tellClaim,
  newAttempt,
}: ProcessDeps): ProcessMessage {
  return async (shard, job, token, signal) => {
    const id = job.id ?? '';
    const payload = decodePayload(job.data);
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
        return finishParked();
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
      ...describeMessage(message.payload),
      outcome: ending.record?.outcome ?? null,
      detail: ending.record?.detail ?? null,
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
    signal: AbortSignal,
  ): Promise<Ending> {
    if (verdict === 'expired' || verdict === 'crashed') {
      const attempted = claimed.openAttempt === '' ? null : diedInMidSend();
      const record = attempted && recordOf(attempted, policyOf(payload));
      return { decision: { kind: 'dead', reason: verdict }, record, attempted: null };
    }
    if (payload === null) return { decision: { kind: 'dead', reason: 'undecodable' }, record: null, attempted: null };
    const attempted =
      verdict === 'unknown' ? diedInMidSend() : await send(payload.request, claimedAt + claimed.lockMs, signal);
    const policy = policyOf(payload);
    const pause = await tellFleet(id, attempted, { isProbe, policy });
    const decision = decide(attempted.outcome, {
      ...config,
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

  function settlementOf(message: MessageContext, { decision, record, attempted }: Ending): Settlement {
    if (decision.kind === 'hold') return holdOf(decision, message.payload);
    if (decision.kind !== 'dead') return decision;
    const exchange = attempted?.exchange;
    const letter = deadLetterOf(message, {
      reason: decision.reason,
      record,
      response: exchange ? cutResponse(exchange.httpStatus, exchange.body) : null,
      attemptsAllowed: config.attempts,
    });
    return { kind: 'dead', letter, holds: config.onDeadLetter === 'hold' };
  }

  function holdOf(
    { delayMs, page: reason }: Extract<Decision, { kind: 'hold' }>,
    payload: MessagePayload | null,
  ): Settlement {
    if (reason === undefined || payload === null) return { kind: 'hold', delayMs };
    return { kind: 'hold', delayMs, page: { pageId: payload.request.pageId, reason } };
  }

  function policyOf(payload: MessagePayload | null): UnknownOutcomePolicy {
    return payload?.onUnknownOutcome ?? config.onUnknownOutcome;
  }
}
