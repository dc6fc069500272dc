// For `Symbol.asyncDispose` in the declarations: programs that use the package need not name this library.
/// <reference lib="esnext.disposable" preserve="true" />
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createAcceptedWaiters } from './accepted-waiters.ts';
import { answer, answerWithFault, waitWhileOpen } from './fake-answers.ts';
import { createExchange } from './fake-exchange.ts';
import { type FakeKitechatOptions, resolveFakeKitechatOptions } from './fake-kitechat-options.ts';
import {
  type AcceptedMessage,
  createFakeRecords,
  type FakeKitechatReport,
  type ReceivedRequest,
} from './fake-records.ts';
import { createFaultPicker } from './fault-picker.ts';
import { parseFaults } from './fault-schema.ts';
import { acceptsMessage, type Fault } from './faults.ts';
import { hostForUrl } from '../../shared/listen.ts';
import { demandFitNode } from '../../shared/runtime.ts';
import { listen } from './listen.ts';
import { checkRequest, ENDPOINT_PATH, readBody } from './request-checks.ts';

const ANSWERS = { 'success-true': { success: true }, 'success-1': { success: 1 }, 'ok-text': 'Ok' } as const;
const ROTATION = ['success-true', 'success-1', 'ok-text'] as const;
const WAIT_MS = 10_000;

/** A running fake API. */
export interface FakeKitechat {
  /** The full URL of the endpoint, for `KITECHAT_API_URL` or a worker's `apiUrl`. */
  readonly url: string;
  readonly port: number;
  /** All received requests, in the order of arrival; at most `keepRequests`. */
  readonly requests: readonly ReceivedRequest[];
  /** All accepted messages, in the order of acceptance; at most `keepRequests`. */
  readonly accepted: readonly AcceptedMessage[];
  /** Replaces all faults for requests that arrive from now on. The counts of `nth` and `times` restart. */
  setFaults: (faults: Fault[]) => void;
  /** Replaces `latencyMs` for requests that arrive from now on. */
  setLatencyMs: (latencyMs: number) => void;
  /** Counts, duplicates, disorder and overlaps since the start or the last `clear()`. */
  report: () => FakeKitechatReport;
  /**
   * Waits until at least this number of messages were accepted since the start or the last `clear()`.
   *
   * @throws if this takes longer than `timeoutMs` (default 10,000), or if the fake API is closed before.
   */
  waitForAccepted: (count: number, options?: { timeoutMs?: number }) => Promise<void>;
  /** Forgets all received requests and messages. Faults stay, with their counts. */
  clear: () => void;
  /** Ends all connections and stops listening. Can be called twice. */
  close: () => Promise<void>;
  [Symbol.asyncDispose]: () => Promise<void>;
}

/**
 * Starts a fake of the API on loopback, for tests. The fake checks requests against the documented shape, records accepted
 * messages, injects faults on demand, and reports duplicates and disorder.
 *
 * @throws ConfigError if an option is wrong or the port is taken.
 * @example
 * await using api = await startFakeKitechat({ faults: [{ kind: 'status', status: 500, rate: 0.1 }] });
 * // point a worker at api.url, enqueue three messages
 * await api.waitForAccepted(3);
 * assert.equal(api.report().outOfOrder.count, 0);
 */
export async function startFakeKitechat(options: FakeKitechatOptions = {}): Promise<FakeKitechat> {
  demandFitNode();
  const { host, port, apiKeys, seed, ...settings } = resolveFakeKitechatOptions(options);
  let { latencyMs } = settings;
  let pickFaults = createFaultPicker(settings.faults, seed);
  let records = createFakeRecords(settings);
  const waiters = createAcceptedWaiters(() => records.acceptedCount());

  async function handle(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const exchange = createExchange(req, res);
    const { received } = exchange;
    const into = records;
    into.received(received);
    const body = await readBody(req);
    if (body === null) return;
    received.body = body.value;

    const checked = checkRequest(req, body, apiKeys);
    if (!checked.ok) {
      into.rejected();
      answer(exchange, checked.status, { success: false, message: checked.message });
      return;
    }
    const { request } = checked;
    const picked = pickFaults(request);
    into.faulted(received, picked);
    exchange.whenEnded(into.opened(request, received.arrivedAt));
    if (acceptsMessage(picked.fault)) {
      into.accept(exchange.accept(request));
      waiters.check();
    }

    const nth = into.acceptedCount();
    const delayMs = latencyMs + picked.latencyMs;
    if (delayMs > 0) await waitWhileOpen(res, delayMs);
    if (exchange.hasEnded()) return;
    if (picked.fault) await answerWithFault(exchange, picked.fault);
    else answer(exchange, 200, successBody(nth));
  }

  function successBody(nth: number): unknown {
    const kind = settings.answer === 'rotate' ? ROTATION[(nth - 1) % ROTATION.length] : settings.answer;
    return ANSWERS[kind ?? 'success-true'];
  }

  // Never closes idle connections: a request that is sent during the close would fail without a planned fault.
  const server = createServer({ keepAliveTimeout: 0 }, (req, res) => void handle(req, res));
  const openPort = await listen(server, host, port);
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => {
    waiters.closed();
    closing ??= new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
    return closing;
  };

  return {
    url: `http://${hostForUrl(host)}:${openPort}${ENDPOINT_PATH}`,
    port: openPort,
    get requests() {
      return records.requests;
    },
    get accepted() {
      return records.accepted;
    },
    setFaults(faults) {
      pickFaults = createFaultPicker(parseFaults(faults), seed);
    },
    setLatencyMs(ms) {
      ({ latencyMs } = resolveFakeKitechatOptions({ latencyMs: ms }));
    },
    report: () => records.report(),
    waitForAccepted: (count, { timeoutMs = WAIT_MS } = {}) => waiters.wait(count, timeoutMs),
    clear() {
      records = createFakeRecords(settings);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
