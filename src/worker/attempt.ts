import type { Logger } from 'pino';
import { headerToken } from '../shared/config-values.ts';
import type { SendRequest } from '../shared/message.ts';
import { classify, type ClassifyResponse, judgements, type Outcome } from './classify.ts';
import type { Exchange } from './exchange.ts';
import type { Keyring } from './keyring.ts';
import type { Sender } from './sender.ts';

/** One attempt to send, judged. */
export interface Attempted {
  outcome: Outcome;
  startedAtMs: number;
  /** `null` if no request was made. */
  exchange: Exchange | null;
  /** The circuit of the key that was used; `null` if there was none. */
  keyCircuit: string | null;
}

export interface AttemptConfig {
  timeoutMs: number;
  retryAfterMaxMs: number;
}

export interface AttemptDeps {
  config: AttemptConfig;
  sender: Sender;
  keyring: Keyring;
  classifyResponse: ClassifyResponse | undefined;
  logger: Logger;
}

/**
 * Makes one attempt. Never throws: whatever happens is an outcome.
 *
 * @param lockedUntil on the clock of `performance.now()`: when the lock on the message ends
 */
export type SendAttempt = (request: SendRequest, lockedUntil: number, signal: AbortSignal) => Promise<Attempted>;

/** How long a page without a key waits before its key is looked for again. */
const NO_KEY_MS = 2000;

export function createSendAttempt({ config, sender, keyring, logger, ...hooks }: AttemptDeps): SendAttempt {
  const classifyResponse = hooks.classifyResponse && withoutThrowing(hooks.classifyResponse, logger);

  return async (request, lockedUntil, signal) => {
    const startedAtMs = Date.now();
    const held = (detail: string): Attempted => ({
      outcome: { kind: 'held', scope: 'missing-key', detail, httpStatus: null, holdMs: NO_KEY_MS },
      startedAtMs,
      exchange: null,
      keyCircuit: null,
    });
    const apiKey = await keyring.keyFor(request.pageId);
    if (apiKey === undefined) return held('there is no API key for this page');
    if (!headerToken.safeParse(apiKey).success) {
      return held('the API key for this page must be visible ASCII characters, without spaces or line breaks');
    }
    const startBefore = lockedUntil - config.timeoutMs;
    const exchange = await sender.send(JSON.stringify(request), { apiKey, startBefore, signal });
    const outcome = classify(exchange, { ...config, nowMs: Date.now(), classifyResponse });
    return { outcome, startedAtMs, exchange, keyCircuit: keyring.circuitOf(apiKey) };
  };
}

/** The attempt that was found open when its worker was gone. */
export function diedInMidSend(): Attempted {
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
