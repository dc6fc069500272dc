import type { Job } from 'bullmq';
import type { Logger } from 'pino';
import type { AttemptRecord } from '../shared/attempts.ts';
import type { UnknownOutcomePolicy } from '../shared/enqueue-options.ts';
import { claim } from '../shared/lanes/claim.ts';
import { settle, type Settlement } from '../shared/lanes/settle.ts';
import { decodePayload, type MessagePayload } from '../shared/payload.ts';
import type { Shard } from '../shared/queues.ts';
import { type AttemptReport, describeMessage } from './attempt-report.ts';
import { recordOf } from './attempt-record.ts';
import { type Attempted, diedInMidSend, type SendAttempt } from './attempt.ts';
import { decide, type Decision } from './decide.ts';
import { finishGone, finishLater, finishLost, finishParked, finishSettled } from './finish.ts';
import { cutResponse, deadLetterOf, type MessageContext } from './message-context.ts';
import { untilAnswered } from './until-answered.ts';

export interface ProcessConfig {
  attempts: number;
  backoffMs: number;
  backoffMaxMs: number;
  onUnknownOutcome: UnknownOutcomePolicy;
}

export interface ProcessDeps {
  config: ProcessConfig;
  send: SendAttempt;
  logger: Logger;
  /** Told of every attempt. */
  report(report: AttemptReport): void;
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
export function createProcessor({ config, send, logger, report, newAttempt }: ProcessDeps): ProcessMessage {
  return async (shard, job, token, signal) => {
    const id = job.id ?? '';
    // Before the claim, not after: a process that was frozen meanwhile reads an answer of long ago.
    const claimedAt = performance.now();
    const answer = await claim(shard, id, token, newAttempt());
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
        return await finishLater(job, token, answer.delayMs);
      case 'go':
      case 'unknown':
      case 'expired':
      case 'crashed':
        break;
    }
    const message: MessageContext = { job, id, token, payload: decodePayload(job.data), claimed: answer.claimed };
    const ending = await findEnding(message, answer.verdict, claimedAt, signal);
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
    { payload, claimed }: MessageContext,
    verdict: 'go' | 'unknown' | 'expired' | 'crashed',
    claimedAt: number,
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
    const decision = decide(attempted.outcome, {
      ...config,
      attemptsUsed: claimed.attemptsUsed,
      attemptsAllowed: config.attempts,
      history: claimed.history,
      onUnknownOutcome: policyOf(payload),
      random: Math.random(),
    });
    return { decision, record: recordOf(attempted, policyOf(payload)), attempted };
  }

  function settlementOf(message: MessageContext, { decision, record, attempted }: Ending): Settlement {
    if (decision.kind !== 'dead') return decision;
    const exchange = attempted?.exchange;
    const letter = deadLetterOf(message, {
      reason: decision.reason,
      record,
      response: exchange ? cutResponse(exchange.httpStatus, exchange.body) : null,
      attemptsAllowed: config.attempts,
    });
    return { kind: 'dead', letter };
  }

  function policyOf(payload: MessagePayload | null): UnknownOutcomePolicy {
    return payload?.onUnknownOutcome ?? config.onUnknownOutcome;
  }
}
