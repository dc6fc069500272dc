import type { Logger } from 'pino';
import { classify, type ClassifyResponse, judgements, type Outcome } from './classify.ts';
import type { Exchange } from '../http/exchange.ts';
import { hideKey } from '../http/hide-key.ts';
import type { Keyring } from '../keys/keyring.ts';
import type { Progress } from '../fleet/progress.ts';
import type { Sender } from '../http/sender.ts';
import type { StopSignal } from '../http/stop-signal.ts';

/** One request, judged. */
export interface Sent {
  outcome: Outcome;
  startedAtMs: number;
  /** `null` if no request was made. */
  exchange: Exchange | null;
  /** The circuit of the key that was used; `null` if there was none. */
  keyCircuit: string | null;
}

export interface SendConfig {
  timeoutMs: number;
  retryAfterMaxMs: number;
}

export interface SendDeps {
  config: SendConfig;
  sender: Sender;
  keyring: Keyring;
  classifyResponse: ClassifyResponse | undefined;
  progress: Pick<Progress, 'began'>;
  logger: Logger;
}

/** What is sent, and until when it may be. */
export interface Sendable {
  pageId: string;
  body: string;
  /** On the clock of `performance.now()`: when the lock on the message ends. */
  lockedUntil: number;
  signal: StopSignal;
}

/** Sends a message once. Never throws: whatever happens is an outcome. */
export type Send = (sendable: Sendable) => Promise<Sent>;

/** How long a page without a key waits before its key is looked for again. */
const NO_KEY_MS = 2000;

export function createSend({ config, sender, keyring, progress, logger, ...hooks }: SendDeps): Send {
  const classifyResponse = hooks.classifyResponse && withoutThrowing(hooks.classifyResponse, logger);
  // Not the whole configuration: it would be copied for each attempt.
  const { timeoutMs, retryAfterMaxMs } = config;

  return async ({ pageId, body, lockedUntil, signal }) => {
    const startedAtMs = Date.now();
    const end = progress.began();
    try {
      const found = keyring.keyFor(pageId);
      const key = 'then' in found ? await found : found;
      if ('unusable' in key) return withoutKey(key.unusable, startedAtMs);
      const exchange = await sender.send(body, { apiKey: key.apiKey, startBefore: lockedUntil - timeoutMs, signal });
      exchange.body = hideKey(exchange.body, key.apiKey);
      const outcome = classify(exchange, { timeoutMs, retryAfterMaxMs, nowMs: Date.now(), classifyResponse });
      return { outcome, startedAtMs, exchange, keyCircuit: key.circuit };
    } finally {
      end();
    }
  };
}

function withoutKey(detail: string, startedAtMs: number): Sent {
  const outcome: Outcome = { kind: 'held', scope: 'missing-key', detail, httpStatus: null, holdMs: NO_KEY_MS };
  return { outcome, startedAtMs, exchange: null, keyCircuit: null };
}

/** The attempt that was found open when its worker was gone. */
export function diedInMidSend(): Sent {
  const detail = 'the worker died while the request was open';
  const outcome: Outcome = { kind: 'unknown', detail, httpStatus: null, holdMs: null };
  return { outcome, startedAtMs: Date.now(), exchange: null, keyCircuit: null };
}

/** A hook that fails, or says what there is no word for, must not change what becomes of a message that was sent. */
function withoutThrowing(classifyResponse: ClassifyResponse, logger: Logger): ClassifyResponse {
  return (answer) => {
    try {
      const judgement = classifyResponse(answer);
      if (judgement === undefined || judgements.includes(judgement)) return judgement;
      logger.error(
        `the hook classifyResponse must return one of ${judgements.join(', ')} or undefined, at once; the default judgement counts`,
      );
      return undefined;
    } catch (error) {
      logger.error({ err: error }, 'the hook classifyResponse failed; the default judgement counts');
      return undefined;
    }
  };
}
