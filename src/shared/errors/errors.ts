import { loggableError } from './loggable-error.ts';
import { adviceOn, isPassing } from './redis-advice.ts';
import { safeCause } from './safe-cause.ts';

/** One problem of a request, and its path, such as `message.template.buttons[1].url` or `options.ttlMs`. */
export interface MessageIssue {
  path: string;
  message: string;
}

/** The result of one item of `enqueueMessages`, when some items failed. */
export type BulkEnqueueResult = { id: string; duplicate: boolean } | { error: KitechatSenderError };

const BRAND = Symbol.for('kitechat-sender error');

/** What most errors can be given besides what they say. */
export interface ErrorFacts {
  cause?: unknown;
  /** Whether the cause is an internal error. */
  isInternal?: boolean;
}

/** Returns what to do about an internal error, as a sentence after another one. */
export function askForReport(isInternal: boolean): string {
  return isInternal ? ' Please report it with the stack of its cause, which NODE_DEBUG=kitechat-sender prints.' : '';
}

/** Returns what happened and what its cause means for the configuration, as one clause. */
export function withAdvice(detail: string, { cause, isInternal = false }: ErrorFacts): string {
  const advice = isInternal ? undefined : adviceOn(cause);
  return advice === undefined ? detail : `${detail}: ${advice}`;
}

/**
 * The base class of all errors that this package throws on purpose. Distinguish them by `instanceof` or by `code`, which never changes.
 *
 * The original cause is never attached: errors of ioredis contain the command's arguments (the password, the message), and errors of
 * HTTP clients contain the request with its key. `safeCause` makes a copy without them.
 */
export abstract class KitechatSenderError extends Error {
  /** The code of all instances of a class. The base class has none. */
  protected static readonly code?: string;
  abstract readonly code: string;
  readonly #isInternal: boolean;

  constructor(message: string, { cause, isInternal = false }: ErrorFacts = {}) {
    super(message, cause === undefined ? undefined : { cause: isInternal ? loggableError(cause) : safeCause(cause) });
    this.#isInternal = isInternal;
    Object.defineProperty(this, BRAND, { value: true });
  }

  /** Whether the cause is a fault of kitechat-sender, or of how it was built into the app. Then `cause` has the stack. */
  get isInternal(): boolean {
    return this.#isInternal;
  }

  // All copies of this package in a process share the default producer, so a caller may get an error of another copy's class: of another
  // bundle, of CommonJS, or of the code before a hot reload.
  static override [Symbol.hasInstance](value: unknown): boolean {
    if (Function.prototype[Symbol.hasInstance].call(this, value)) return true;
    if (typeof value !== 'object' || value === null || !(BRAND in value)) return false;
    if (this === KitechatSenderError) return true;
    return Object.hasOwn(this, 'code') && this.code === (value as { code?: unknown }).code;
  }
}

/** The request or its options break a rule. Nothing was stored, and the same call would fail again. */
export class InvalidMessageError extends KitechatSenderError {
  protected static override readonly code = 'INVALID_MESSAGE';
  override readonly name = 'InvalidMessageError';
  readonly code = 'INVALID_MESSAGE';
  readonly issues: readonly MessageIssue[];

  constructor(issues: readonly MessageIssue[]) {
    super(
      `The message is not valid. Nothing was stored. Please correct:${listed(issues.map(({ path, message }) => `${path}: ${message}`))}`,
    );
    this.issues = issues;
  }
}

/** Redis could not be reached in time or refused the command, or there was an internal error. Nothing was stored, so calling again is safe. */
export class QueueUnavailableError extends KitechatSenderError {
  protected static override readonly code = 'QUEUE_UNAVAILABLE';
  override readonly name = 'QueueUnavailableError';
  readonly code = 'QUEUE_UNAVAILABLE';
  readonly #detail: string;
  readonly #cure: string | undefined;

  /**
   * @param detail what happened, as a clause without a full stop and without secrets: `Redis did not answer within 5000 ms`
   * @param options.reading whether the call only reads: then the message says that nothing could be read, not written
   * @param options.cure what to do now, as a sentence; without it, what the cause calls for
   */
  constructor(
    detail: string,
    { reading = false, cure, ...options }: ErrorFacts & { reading?: boolean; cure?: string | undefined } = {},
  ) {
    const { cause, isInternal = false } = options;
    const effect = reading ? 'Nothing could be read' : 'Nothing was written';
    const remedy = isInternal ? askForReport(true) : ` ${cure ?? cureOf(cause)}`;
    super(`${withAdvice(detail, options)}. ${effect}.${remedy}`, options);
    this.#detail = detail;
    this.#cure = cure;
  }

  /** Returns the same error for a call that only reads. */
  whileReading(): QueueUnavailableError {
    const { cause, isInternal } = this;
    return new QueueUnavailableError(this.#detail, { cause, isInternal, reading: true, cure: this.#cure });
  }
}

function cureOf(cause: unknown): string {
  if (isPassing(cause)) return 'Call again when Redis is willing again.';
  if (adviceOn(cause) !== undefined) return 'Call again when this is fixed.';
  return 'Check that Redis is running and that its URL (redisUrl, or REDIS_URL) is right, then call again.';
}

/** The message was sent to Redis, but no answer came back that can be trusted: it may be stored or not. */
export class EnqueueUncertainError extends KitechatSenderError {
  protected static override readonly code = 'ENQUEUE_UNCERTAIN';
  override readonly name = 'EnqueueUncertainError';
  readonly code = 'ENQUEUE_UNCERTAIN';
  /** The id of the message if it was stored; `getMessage(id)` tells whether it was. */
  readonly id: string;

  /** @param detail what happened, as a clause without a full stop and without secrets */
  constructor(id: string, detail: string, options: ErrorFacts = {}) {
    super(
      `${withAdvice(detail, options)}. The message may have been stored with the id ${id}: look it up with getMessage when Redis answers again. ` +
        `Enqueue it again only with the same idempotencyKey, otherwise it may be sent twice.${askForReport(options.isInternal ?? false)}`,
      options,
    );
    this.id = id;
  }
}

/** The bound that the queue has reached: the most open messages of a shard, or the part of Redis's memory limit. */
export type QueueBound = { maxQueued: number } | { redisFullAt: number };

/** Too many messages are open, or Redis has used too much of its memory. Nothing was stored. */
export class QueueFullError extends KitechatSenderError {
  protected static override readonly code = 'QUEUE_FULL';
  override readonly name = 'QueueFullError';
  readonly code = 'QUEUE_FULL';

  /** Which bound was reached: `messages` for the number of open messages, `memory` for the memory of Redis. */
  readonly bound: 'messages' | 'memory';

  constructor(bound: QueueBound, options: { cause?: unknown } = {}) {
    super(
      `The queue is full: ${describeBound(bound)}. Nothing was stored. ` +
        'Check that workers run and are not held, and call again when they have caught up.',
      options,
    );
    this.bound = 'maxQueued' in bound ? 'messages' : 'memory';
  }
}

function describeBound(bound: QueueBound): string {
  if ('maxQueued' in bound) return `${bound.maxQueued} messages are open (maxQueued, or KITECHAT_MAX_QUEUED)`;
  if (bound.redisFullAt >= 1) return 'Redis has no memory left (its maxmemory)';
  const percent = Math.round(bound.redisFullAt * 100);
  return `Redis uses ${percent} % of its maxmemory or more (redisFullAt, or KITECHAT_REDIS_FULL_AT)`;
}

/** The `idempotencyKey` was used for another request within the last 24 hours. Nothing was stored. */
export class IdempotencyConflictError extends KitechatSenderError {
  protected static override readonly code = 'IDEMPOTENCY_CONFLICT';
  override readonly name = 'IdempotencyConflictError';
  readonly code = 'IDEMPOTENCY_CONFLICT';
  /** The id of the message that used the key first. */
  readonly id: string;

  constructor(id: string) {
    super(
      `This idempotencyKey was used for another request of this page within the last 24 hours (message ${id}). Nothing was stored. ` +
        'Use a new key for a new message, or repeat exactly the first request.',
    );
    this.id = id;
  }
}

/** Some items of a batch were not stored, or may not have been. `results` says which, in the order of the items. */
export class BulkEnqueueError extends KitechatSenderError {
  protected static override readonly code = 'BULK_ENQUEUE';
  override readonly name = 'BulkEnqueueError';
  readonly code = 'BULK_ENQUEUE';
  readonly results: readonly BulkEnqueueResult[];

  constructor(results: readonly BulkEnqueueResult[]) {
    const failed = results.filter((result) => 'error' in result);
    const codes = [...new Set(failed.map(({ error }) => error.code))].join(', ');
    super(
      `${failed.length} of ${results.length} messages failed (${codes}); the others are stored. ` +
        'Enqueue again only the items whose entry in `results` has an error, and do what that error says.',
    );
    this.results = results;
  }
}

/** The configuration can't be used. `problems` has all of its problems. */
export class ConfigError extends KitechatSenderError {
  protected static override readonly code = 'INVALID_CONFIG';
  override readonly name = 'ConfigError';
  readonly code = 'INVALID_CONFIG';
  readonly problems: readonly string[];

  /** @param problems each names its variable or option and what it must be, without the value of a secret */
  constructor(problems: readonly string[]) {
    super(`The configuration can't be used, please correct:${listed(problems)}`);
    this.problems = problems;
  }
}

function listed(lines: readonly string[]): string {
  return lines.map((line) => `\n  - ${line}`).join('');
}

/** The call did not say which dead letters it means. Nothing was done: a missing selection must not mean all of them. */
export class InvalidSelectionError extends KitechatSenderError {
  protected static override readonly code = 'INVALID_SELECTION';
  override readonly name = 'InvalidSelectionError';
  readonly code = 'INVALID_SELECTION';

  constructor() {
    super('No dead letters were selected. Nothing was done. Select some with { ids }, { filter } or { all: true }.');
  }
}

/** The entry to continue a list after no longer exists, and its position is not known. */
export class UnknownPositionError extends KitechatSenderError {
  protected static override readonly code = 'UNKNOWN_POSITION';
  override readonly name = 'UnknownPositionError';
  readonly code = 'UNKNOWN_POSITION';

  constructor() {
    super(
      'The entry to continue after no longer exists: it was replayed or removed. ' +
        'Start again with the newest entry, or give the entry with its time of death: after: { id, deadAt }.',
    );
  }
}

/** The place outside Redis where ended messages are kept can't be read. What Redis knows of them is not affected. */
export class LedgerUnavailableError extends KitechatSenderError {
  protected static override readonly code = 'LEDGER_UNAVAILABLE';
  override readonly name = 'LedgerUnavailableError';
  readonly code = 'LEDGER_UNAVAILABLE';

  constructor(cause: unknown) {
    super("The ledger can't be read now. Check that KITECHAT_LEDGER is right and that it answers, then call again.", {
      cause,
    });
  }
}
