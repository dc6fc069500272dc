// For `Symbol.asyncDispose` in the declarations: programs that use the package need not name this library.
/// <reference lib="esnext.disposable" preserve="true" />
import { cancelMessage } from '../shared/actions/cancel-message.ts';
import { inWordsOf } from '../shared/config/config.ts';
import type { ProducerOptions } from '../shared/config/producer-options.ts';
import type { EnqueueOptions } from '../shared/model/enqueue-options.ts';
import {
  BulkEnqueueError,
  type BulkEnqueueResult,
  InvalidMessageError,
  KitechatSenderError,
  type MessageIssue,
  QueueUnavailableError,
} from '../shared/errors/errors.ts';
import { lazyLedger } from '../shared/ledger/lazy-ledger.ts';
import type { CancelResult } from '../shared/lanes/messages/cancel.ts';
import type { SendRequest } from '../shared/model/message.ts';
import { type MessageRecord, readMessage } from '../shared/reading/message.ts';
import { readHistory } from '../shared/reading/history.ts';
import { demandKeysIfRequired } from '../shared/sealing/sealing.ts';
import { traceOfCaller } from '../shared/tracing/traceparent.ts';
import { openSession } from '../shared/session/open-session.ts';
import type { Session } from '../shared/session/session.ts';
import { type MessageToStore, type Receipt, storeMessage } from '../shared/actions/store-message.ts';
import { checkedQuestion, type HistoryOptions } from './history-question.ts';
import { type MessageDefaults, validateItem, validateMessage } from './validate-message.ts';

/** One item of `enqueueMessages`: the fields of a request and its options in one object. */
export type EnqueueItem = SendRequest & EnqueueOptions;

export interface Producer {
  /**
   * Stores one message at the end of its conversation, to be sent by a worker. Never waits for the sending.
   *
   * @throws InvalidMessageError if the request or the options break a rule; nothing was stored.
   * @throws QueueUnavailableError if Redis was away or refused the message; nothing was stored.
   * @throws EnqueueUncertainError if no answer came back; the message may be stored.
   * @throws QueueFullError, IdempotencyConflictError; nothing was stored.
   * @example
   * const { id } = await producer.enqueueMessage(
   *   { pageId: 'p1', conversationId: 'c1', message: { type: 'text', text: 'Hello' } },
   *   { idempotencyKey: 'order-17-shipped' },
   * );
   */
  enqueueMessage(request: SendRequest, options?: EnqueueOptions): Promise<Receipt>;
  /**
   * Stores many messages, in the order of the items. All are validated before any is stored; then each is stored on its own.
   * The whole call must finish within `enqueueTimeoutMs`; an idle Redis stores a few hundred thousand messages in 5 s.
   *
   * @returns one receipt per item, in order.
   * @throws InvalidMessageError with paths such as `[3].message.text`; nothing was stored.
   * @throws BulkEnqueueError if some items were not stored, or not surely; `results` says which.
   */
  enqueueMessages(items: readonly EnqueueItem[]): Promise<Receipt[]>;
  /**
   * Returns what is known of a message.
   *
   * @returns `null` if the id is unknown, or no longer known.
   * @throws QueueUnavailableError if Redis does not answer.
   */
  getMessage(id: string): Promise<MessageRecord | null>;
  /**
   * Yields what became of the messages of a conversation, the newest first: open, scheduled and dead ones, and the delivered and cancelled
   * ones that Redis still knows: the newest `keepDone` of their shard, for `keepDoneMs`. The order is that of storing. Each record has
   * its request, decrypted if there are keys. Reading looks at all scheduled and all kept messages of the page's shard, a thousand at a time.
   *
   * @throws TypeError for options that break a rule.
   * @throws QueueUnavailableError if Redis does not answer; each round trip has `enqueueTimeoutMs`.
   * @throws LedgerUnavailableError if the ledger does not answer.
   * @example
   * for await (const message of producer.history({ pageId: 'p1', conversationId: 'c1', limit: 20 })) {
   *   console.log(message.enqueuedAt, message.status, message.request?.message, message.answer);
   * }
   */
  history(options: HistoryOptions): AsyncIterable<MessageRecord>;
  /**
   * Cancels a message that is not being sent: one that waits, is scheduled, is held, or is to be tried again. Its conversation
   * goes on with the next message. If a worker is about to take it, either the worker comes first or the message is never sent.
   *
   * @returns `cancelled`: the message is not sent any more (an earlier attempt may have arrived, see its record); also if it was
   * cancelled before. `too-late`: the message is being sent, or has ended; `getMessage` tells which. `not-found`: the id is
   * unknown, or no longer known.
   * @throws QueueUnavailableError if Redis was away or refused the change; nothing was changed.
   * @throws ChangeUncertainError if no answer came back; calling again is safe.
   */
  cancelMessage(id: string): Promise<CancelResult>;
  /** Waits for calls under way, then closes the connection. Later calls reject with QueueUnavailableError. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** The most messages of a call that are on their way to Redis at once. */
const BATCH = 200;

/**
 * Creates a producer. It connects to Redis at its first call.
 *
 * @param options settings that differ from the defaults; environment variables are not read.
 * @throws ConfigError for settings that can't work, or a file with encryption keys that can't be used, or is missing although encryption is
 * required.
 * @example
 * await using producer = createProducer({ redisUrl: process.env.REDIS_URL });
 */
export function createProducer(options: ProducerOptions = {}): Producer {
  const { config, session, newDeadline } = openSession('createProducer', options);
  inWordsOf(config.source, () => demandKeysIfRequired(config.sealing));
  const ledger = lazyLedger(config.ledger, { namespace: config.namespace, timeoutMs: config.enqueueTimeoutMs });
  const underWay = new Set<Promise<unknown>>();
  let closing: Promise<void> | null = null;

  async function track<T>(call: () => Promise<T>): Promise<T> {
    if (closing) throw new QueueUnavailableError('This producer was closed', { cure: 'Make another one.' });
    const work = call();
    underWay.add(work);
    try {
      return await work;
    } finally {
      underWay.delete(work);
    }
  }

  async function store(message: MessageToStore, trace: string | undefined, deadline = newDeadline()): Promise<Receipt> {
    const receipt = await storeMessage(
      session,
      config,
      trace === undefined ? message : { ...message, trace },
      deadline,
    );
    if (receipt === null) throw new Error('a message that replays nothing has no dead letter to lose');
    return receipt;
  }

  const tracked: Pick<Session, 'read'> = {
    read: (index, deadline, question) => track(() => session.read(index, deadline, question)),
  };

  async function storeAll(messages: readonly MessageToStore[]): Promise<BulkEnqueueResult[]> {
    const deadline = newDeadline();
    const trace = traceOfCaller();
    const results: BulkEnqueueResult[] = [];
    for (let start = 0; start < messages.length; start += BATCH) {
      const batch = messages.slice(start, start + BATCH);
      results.push(...(await Promise.all(batch.map((message) => resultOf(store(message, trace, deadline))))));
    }
    return results;
  }

  async function closeAfterCalls(): Promise<void> {
    await Promise.allSettled(underWay);
    await Promise.all([session.close(), ledger?.close()]);
  }

  async function close(): Promise<void> {
    await (closing ??= closeAfterCalls());
  }

  return {
    async enqueueMessage(request, enqueueOptions) {
      const message = validateMessage(request, enqueueOptions, config);
      if ('issues' in message) throw new InvalidMessageError(message.issues);
      return await track(() => store(message, traceOfCaller()));
    },
    async enqueueMessages(items) {
      const messages = validateAll(items, config);
      const results = await track(() => storeAll(messages));
      const receipts = results.filter((result): result is Receipt => !('error' in result));
      if (receipts.length < results.length) throw new BulkEnqueueError(results);
      return receipts;
    },
    getMessage: (id) => track(() => readMessage(session, config, id, newDeadline())),
    history: (asked) => readHistory({ session: tracked, config, ledger, newDeadline }, checkedQuestion(asked)),
    cancelMessage: (id) => track(() => cancelMessage(session, config, id, newDeadline())),
    close,
    [Symbol.asyncDispose]: close,
  };
}

function validateAll(items: unknown, defaults: MessageDefaults): MessageToStore[] {
  if (!Array.isArray(items)) throw new InvalidMessageError([{ path: 'items', message: 'must be an array' }]);
  const valid: MessageToStore[] = [];
  const issues: MessageIssue[] = [];
  for (const [index, item] of (items as unknown[]).entries()) {
    const result = validateItem(item, defaults);
    if (!('issues' in result)) valid.push(result);
    else issues.push(...result.issues.map(({ path, message }) => ({ path: pathInBatch(index, path), message })));
  }
  if (issues.length > 0) throw new InvalidMessageError(issues);
  return valid;
}

function pathInBatch(index: number, path: string): string {
  return path === '' ? `[${index}]` : `[${index}].${path}`;
}

async function resultOf(work: Promise<Receipt>): Promise<BulkEnqueueResult> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof KitechatSenderError) return { error };
    throw error;
  }
}
