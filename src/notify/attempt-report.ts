import type { EventRecord } from '../shared/model/event.ts';
import type { WorkerLogger } from '../shared/logging/worker-logger.ts';
import type { NextStep, Result } from './judge.ts';
import type { Answer } from './receiver.ts';

/** One POST and what comes next. */
export interface AttemptReport {
  event: EventRecord;
  /** The type of the webhook. */
  type: string;
  answer: Answer;
  result: Result;
  next: NextStep;
  /** How long the event waits at least before its next attempt; `null` if there is none. */
  waitMs: number | null;
  /** Number of this attempt of the event, in this process. */
  attempt: number;
  /** The attempts that count. */
  used: number;
  /** How many attempts may count before the event becomes a dead letter. */
  attempts: number;
}

const words: Readonly<Record<NextStep, string>> = {
  done: 'the receiver has accepted the webhook',
  again: 'the receiver has not accepted the webhook; it is sent again',
  dead: 'the receiver has not accepted the webhook; it becomes a dead letter',
  stop: 'the receiver wants no more webhooks; nothing is sent any more',
};

/** Writes one line about an attempt. It has neither content nor the URL, which can contain a secret. */
export function attemptLog(logger: WorkerLogger, report: AttemptReport): void {
  const { event, type, answer, result, next, waitMs, attempt, used, attempts } = report;
  const log = next === 'done' ? logger.info : logger.warn;
  log.call(
    logger,
    {
      eventId: event.id,
      type,
      ...(event.type === 'gap' ? { lost: event.lost } : { messageId: event.messageId }),
      result,
      status: answer.status,
      failure: answer.failure,
      durationMs: answer.durationMs,
      attempt,
      used,
      attempts,
      next,
      waitMs,
    },
    words[next],
  );
}
