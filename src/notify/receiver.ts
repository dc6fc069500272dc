import ky, { type KyInstance } from 'ky';
import type { Dispatcher } from 'undici';
import { describeSafely } from '../shared/errors/safe-cause.ts';
import { MAX_TIMER_MS } from '../shared/model/time.ts';
import { answeredAtMs, retryAfterMs } from '../shared/retry/retry-after.ts';
import { version } from '../shared/version.ts';
import type { WebhookSecrets } from './secrets.ts';
import { webhookHeaders } from './sign.ts';
import type { Webhook } from './webhook.ts';

/** What became of one POST. */
export interface Answer {
  /** `null` if no answer came. */
  status: number | null;
  /** The code of the failure, if no answer came: `TIMEOUT`, `ECONNREFUSED`, … */
  failure: string | null;
  /** How long the receiver asks to wait. */
  retryAfterMs: number | null;
  durationMs: number;
}

/** The receiver of webhooks. */
export interface Receiver {
  /** Makes one signed POST. Never throws. */
  post(webhook: Webhook, signal?: AbortSignal): Promise<Answer>;
}

export interface ReceiverOptions {
  url: URL;
  secrets: WebhookSecrets;
  /** The longest that a POST may take until its answer begins, in ms. */
  timeoutMs: number;
  dispatcher: Dispatcher;
  /** The wall clock, in ms since 1970. */
  now?: () => number;
}

/** The body of an answer is not used; reading a short one keeps the connection. */
const MAX_ANSWER_BYTES = 64 * 1024;
/** The longest wait that a Retry-After can cause. */
const RETRY_AFTER_MAX_MS = 900_000;

export function createReceiver({ url, secrets, timeoutMs, dispatcher, now = Date.now }: ReceiverOptions): Receiver {
  const client = createClient(timeoutMs, async (request) => await send(dispatcher, request, timeoutMs));
  const seconds = (): number => Math.floor(now() / 1000);

  return {
    async post(webhook, signal) {
      const startedAt = performance.now();
      const duration = (): number => Math.round(performance.now() - startedAt);
      try {
        const headers = webhookHeaders(await secrets.current(), { ...webhook, timestamp: seconds() });
        const { status, headers: answered } = await client.post(url, {
          body: webhook.body,
          headers,
          ...(signal === undefined ? {} : { signal }),
        });
        return { status, failure: null, retryAfterMs: waitOf(answered, now()), durationMs: duration() };
      } catch (error) {
        return { status: null, failure: codeOf(error), retryAfterMs: null, durationMs: duration() };
      }
    },
  };
}

/**
 * One call makes one POST. ky's own retries are off: an event that waits for its next attempt holds no place, all events wait when the
 * receiver asks for it, and each attempt has its own signature.
 */
function createClient(timeoutMs: number, fetch: (request: Request) => Promise<Response>): KyInstance {
  return ky.create({
    retry: 0,
    timeout: Math.min(timeoutMs, MAX_TIMER_MS),
    throwHttpErrors: false,
    redirect: 'manual',
    headers: { 'content-type': 'application/json', 'user-agent': `kitechat-sender/${version}` },
    fetch: async (input) => await fetch(input as Request),
  });
}

/** Sends through undici itself: it never follows a redirect, and the proxies of the environment apply. */
async function send(dispatcher: Dispatcher, request: Request, timeoutMs: number): Promise<Response> {
  const { origin, pathname, search } = new URL(request.url);
  const { statusCode, headers, body } = await dispatcher.request({
    origin,
    path: pathname + search,
    method: 'POST',
    headers: Object.fromEntries(request.headers),
    body: new Uint8Array(await request.arrayBuffer()),
    signal: request.signal,
    // ky has the deadline.
    headersTimeout: 0,
    bodyTimeout: timeoutMs,
  });
  void body.dump({ limit: MAX_ANSWER_BYTES, signal: AbortSignal.timeout(timeoutMs) }).catch(() => {});
  const answered = new Headers();
  for (const name of ['date', 'age', 'retry-after']) {
    const [value] = [headers[name]].flat();
    if (value !== undefined) answered.set(name, value);
  }
  return new Response(null, { status: statusCode, headers: answered });
}

function waitOf(headers: Headers, nowMs: number): number | null {
  const answeredAt = answeredAtMs({ date: headers.get('date'), age: headers.get('age') });
  return retryAfterMs(headers.get('retry-after'), answeredAt ?? nowMs, RETRY_AFTER_MAX_MS);
}

const MAX_CAUSES = 5;

/** The code of an error or of one of its causes: messages of these errors can quote the URL and its secrets. */
function codeOf(error: unknown): string {
  let current: unknown = error;
  for (let depth = 0; current instanceof Error && depth < MAX_CAUSES; depth += 1) {
    if (current.name === 'TimeoutError') return 'TIMEOUT';
    const { code } = describeSafely(current);
    if (code !== undefined) return code;
    current = current.cause;
  }
  return describeSafely(error).name;
}
