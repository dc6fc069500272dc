import type { WorkerLogger } from '../../shared/logging/worker-logger.ts';
import { loggableError } from '../../shared/errors/loggable-error.ts';
import { type BeforeSend, type Candidate, createBeforeSend } from './before-send.ts';
import { classify, type ClassifyContext, type Outcome } from './classify.ts';
import { type ClassifyResponse, readJudgement } from './judgement.ts';
import type { Exchange } from '../http/exchange.ts';
import { hideKey } from '../http/hide-key.ts';
import type { Keyring } from '../keys/keyring.ts';
import type { WorkerProgress } from '../fleet/progress.ts';
import type { Sender } from '../http/sender.ts';

/** One request and its outcome. */
export interface Sent {
  outcome: Outcome;
  startedAtMs: number;
  /** `null` if no request was made. */
  exchange: Exchange | null;
  /** The name of the circuit of the key that was used; `null` if there was no key. */
  keyCircuit: string | null;
}

export type SendConfig = Pick<ClassifyContext, 'timeoutMs' | 'retryAfterMaxMs' | 'answers' | 'on503'>;

export interface SendDeps {
  config: SendConfig;
  sender: Sender;
  keyring: Keyring;
  classifyResponse: ClassifyResponse | undefined;
  beforeSend: BeforeSend | undefined;
  progress: Pick<WorkerProgress, 'began'>;
  logger: WorkerLogger;
}

/** A message to send, and until when the request may run. */
export interface Sendable extends Candidate {
  pageId: string;
  /** When the lock on the message ends, on the clock of `performance.now()`. */
  lockedUntil: number;
}

/** Sends a message once. Never throws: every failure is an outcome. */
export type Send = (sendable: Sendable) => Promise<Sent>;

/** How long a page without a key waits before the worker looks for the key again. */
const NO_KEY_MS = 2000;

export function createSend({ config, sender, keyring, progress, logger, ...hooks }: SendDeps): Send {
  const classifyResponse = hooks.classifyResponse && withoutThrowing(hooks.classifyResponse, logger);
  const beforeSend = hooks.beforeSend && createBeforeSend(hooks.beforeSend, config.timeoutMs, logger);
  // The whole configuration would be copied for each attempt.
  const { timeoutMs, retryAfterMaxMs, answers, on503 } = config;

  return async (sendable) => {
    const { pageId, body, lockedUntil, signal } = sendable;
    const startedAtMs = Date.now();
    const end = progress.began();
    try {
      const found = keyring.keyFor(pageId);
      const key = 'then' in found ? await found : found;
      if ('unusable' in key) return withoutKey(key.unusable, startedAtMs);
      const startBefore = lockedUntil - timeoutMs;
      const refusal = beforeSend ? await beforeSend(sendable, startBefore) : null;
      if (refusal) return { outcome: refusal, startedAtMs, exchange: null, keyCircuit: key.circuit };
      const exchange = await sender.send(body, { apiKey: key.apiKey, startBefore, signal });
      exchange.body = hideKey(exchange.body, key.apiKey);
      const outcome = classify(exchange, {
        timeoutMs,
        retryAfterMaxMs,
        answers,
        on503,
        nowMs: Date.now(),
        classifyResponse,
      });
      return { outcome, startedAtMs, exchange, keyCircuit: key.circuit };
    } finally {
      end();
    }
  };
}

function withoutKey(detail: string, startedAtMs: number): Sent {
  const outcome: Outcome = { kind: 'held', trouble: 'no-key', detail, httpStatus: null, holdMs: NO_KEY_MS };
  return { outcome, startedAtMs, exchange: null, keyCircuit: null };
}

/** Returns the outcome of an attempt that was found open after its worker had died. */
export function diedInMidSend(startedAtMs = Date.now()): Sent {
  const detail = 'the worker died while the request was open';
  const outcome: Outcome = { kind: 'unknown', detail, httpStatus: null, holdMs: null };
  return { outcome, startedAtMs, exchange: null, keyCircuit: null };
}

/** Wraps the hook: if it throws or returns something else than a judgement, the default judgement counts. */
function withoutThrowing(classifyResponse: ClassifyResponse, logger: WorkerLogger): ClassifyResponse {
  return (answer) => {
    try {
      const returned: unknown = classifyResponse(answer);
      const read = readJudgement(returned);
      if ('judgement' in read) return read.judgement;
      // The rejection of an async hook would end the process.
      if (returned instanceof Promise) returned.catch(() => {});
      logger.error({}, `the hook classifyResponse returned no judgement, so the default one counts: ${read.problem}`);
      return undefined;
    } catch (error) {
      logger.error({ err: loggableError(error) }, 'the hook classifyResponse failed; the default judgement counts');
      return undefined;
    }
  };
}
