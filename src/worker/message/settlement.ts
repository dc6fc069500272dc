import { type AttemptRecord, decodeHistory, encodeAttempt, type NewAttempt } from '../../shared/model/attempts.ts';
import type { DeadLetterPayload, DeadLetterPolicy, DeadReason, DeadResponse } from '../../shared/model/dead-letter.ts';
import { isoTime } from '../../shared/model/time.ts';
import type { Settlement, Taken } from '../../shared/lanes/messages/settle-and-take.ts';
import { sealRequest, sealResponse } from '../../shared/sealing/content.ts';
import type { Sealing } from '../../shared/sealing/sealing.ts';
import { answerIdsOf } from './answer-ids.ts';
import type { Attempt } from './attempt.ts';
import { keptData } from './kept-data.ts';

export interface SettlementConfig {
  attempts: number;
  onDeadLetter: DeadLetterPolicy;
  sealing: Sealing;
}

const MAX_RESPONSE_BYTES = 2048;

/** Returns the settlement that carries out the attempt's decision. */
export function settlementOf(attempt: Attempt, config: SettlementConfig): Settlement {
  const { decision, taken, message } = attempt;
  const { knownUntilMs, missingKey } = message;
  switch (decision.kind) {
    case 'delivered':
      return {
        kind: 'delivered',
        elapsedMs: performance.now() - taken.receivedAt,
        knownUntilMs,
        proof: decision.proof,
        answer: decision.proof === 'api' && attempt.sent?.exchange ? answerIdsOf(attempt.sent.exchange.body) : '',
      };
    case 'backoff':
      return decision;
    case 'hold':
      if (missingKey !== undefined) return { kind: 'keyless', delayMs: decision.delayMs };
      return { kind: attempt.sent?.exchange ? 'aside' : 'hold', delayMs: decision.delayMs };
    case 'dead': {
      const letter = deadLetterOf(attempt, decision.reason, config);
      return { kind: 'dead', letter, holds: config.onDeadLetter === 'hold', knownUntilMs };
    }
  }
}

/** Returns the dead letter of a message, with all that an operator needs to judge and replay it; encrypted if there are keys. */
export function deadLetterOf(
  { taken, message, sent, record }: Attempt,
  reason: DeadReason,
  { attempts: attemptsAllowed, sealing }: SettlementConfig,
): DeadLetterPayload {
  const { stored, problem } = message;
  const request = stored && sealRequest(sealing, taken.id, stored.request, null);
  const response = sent?.exchange ? cutResponse(sent.exchange.httpStatus, sent.exchange.body) : null;
  const kept = stored ? {} : unreadable(taken, sealing);
  const isSealed = (request !== null && 'sealed' in request) || 'isSealed' in kept;
  return {
    v: isSealed ? 2 : 1,
    reason,
    request,
    ...('stored' in kept ? { stored: kept.stored } : {}),
    ...(problem === null ? {} : { problem }),
    enqueuedAt: isoTime(taken.enqueuedAtMs),
    attempts: attemptsOf(taken, record),
    attemptsUsed: taken.attemptsUsed + (record?.usedAttempt ? 1 : 0),
    attemptsAllowed,
    response: response && sealResponse(sealing, taken.id, response),
    label: stored?.label ?? null,
    ...(stored?.onUnknownOutcome ? { onUnknownOutcome: stored.onUnknownOutcome } : {}),
    replayOf: stored?.replayOf ?? null,
  };
}

function attemptsOf({ history }: Taken, record: NewAttempt | null): AttemptRecord[] {
  return [history, ...(record ? [encodeAttempt(record)] : [])].flatMap(decodeHistory);
}

/** Returns what a dead letter keeps of stored data that this version can't read as a message. */
function unreadable({ id, data }: Taken, sealing: Sealing): { stored: unknown; isSealed?: true } {
  const kept = keptData(data);
  const sealed = sealing.seal(JSON.stringify(kept), ['stored', id]);
  return sealed === null ? { stored: kept } : { stored: { sealed }, isSealed: true };
}

/** Returns the API's answer for a dead letter, cut to 2 KiB of UTF-8. */
export function cutResponse(httpStatus: number | null, body: string): DeadResponse | null {
  if (httpStatus === null) return null;
  const bytes = Buffer.from(body);
  if (bytes.length <= MAX_RESPONSE_BYTES) return { httpStatus, body };
  // With `stream: true` the decoder drops a character that the cut has split.
  const cut = new TextDecoder('utf-8').decode(bytes.subarray(0, MAX_RESPONSE_BYTES), { stream: true });
  return { httpStatus, body: cut };
}
