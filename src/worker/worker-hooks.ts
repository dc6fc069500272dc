import type { WorkerLogger } from '../shared/logging/worker-logger.ts';
import type { Fetch } from './http/fetch-exchange.ts';
import type { KyClient } from './http/ky-exchange.ts';
import type { ResolveApiKey } from './keys/api-keys.ts';
import type { BeforeSend } from './message/before-send.ts';
import type { ClassifyResponse } from './message/judgement.ts';
import type { ResolveUnknown } from './message/resolve-unknown.ts';

/** Your own functions and objects that the worker uses. */
export interface WorkerHooks {
  /** Finds the key for a page. Replaces `apiKey` and the key files, which the worker then doesn't read. */
  resolveApiKey?: ResolveApiKey;
  /** Judges the API's answers where the defaults don't fit. If it throws, the default judgement counts. */
  classifyResponse?: ClassifyResponse;
  /**
   * Decides right before each attempt whether the message may be sent now. It can't change the message. If it throws, takes longer than
   * `timeoutMs` or returns something else, nothing is sent: the outcome is `not-sent`, so the message is tried again without using an
   * attempt.
   */
  beforeSend?: BeforeSend;
  /**
   * Finds out what became of a message whose outcome is unknown, before it is sent again and before it dies of that outcome. If it throws,
   * takes longer than half of `timeoutMs` or returns something else, the outcome stays unknown, and `onUnknownOutcome` decides.
   */
  resolveUnknown?: ResolveUnknown;
  /** Makes the requests. Replaces the worker's connection pool, with its idle connections, proxies and certificates. */
  fetch?: Fetch;
  /**
   * A ky instance whose hooks sign requests, add headers or log. After the hooks, the request leaves once, through the worker's own
   * pool or `fetch`: the worker ignores the instance's own retries, time-outs and `fetch`. The attempt's time-out includes the hooks.
   * If a hook fails before the request has left, the outcome is `not-sent`; no hook changes the outcome of an answer.
   */
  ky?: KyClient;
  /** The worker's logger, such as one of pino; by default the worker writes JSON lines to stdout. */
  logger?: WorkerLogger;
}
