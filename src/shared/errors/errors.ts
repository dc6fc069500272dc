import { adviceOn } from './redis-advice.ts';
import { safeCause } from './safe-cause.ts';

/** One thing that is wrong with a request, and where: `message.template.buttons[1].url`, `options.ttlMs`. */
export interface MessageIssue {
  path: string;
  message: string;
}

/** What `enqueueMessages` has to say about one item of a batch that was stored only in part. */
export type BulkEnqueueResult = { id: string; duplicate: boolean } | { error: KitechatSenderError };

/**
 * The base of every error that this package throws on purpose. Tell them apart by `instanceof` or by `code`, which never changes.
 *
 * A cause is never attached as it came: errors of ioredis hold the command's arguments (the password, the message) and errors of
 * HTTP clients hold the request with its key. Only what `safeCause` lets through is kept.
 */
export abstract class KitechatSenderError extends Error {
  abstract readonly code: string;

  constructor(message: string, options: { cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: safeCause(options.cause) });
  }
}

/** The request or its options break a rule. Nothing was stored; calling again with the same request gives the same error. */
export class InvalidMessageError extends KitechatSenderError {
  override readonly name = 'InvalidMessageError';
  readonly code = 'INVALID_MESSAGE';
  readonly issues: readonly MessageIssue[];

  constructor(issues: readonly MessageIssue[]) {
    super(`Not stored, please correct:${listed(issues.map(({ path, message }) => `${path}: ${message}`))}`);
    this.issues = issues;
  }
}

/** Redis was away, did not answer before anything was sent to it, or refused. Nothing was stored: calling again is safe. */
export class QueueUnavailableError extends KitechatSenderError {
  override readonly name = 'QueueUnavailableError';
  readonly code = 'QUEUE_UNAVAILABLE';
  readonly #detail: string;
  readonly #cure: string;

  /**
   * @param detail what happened, as a clause without a full stop and without secrets: `Redis did not answer within 5000 ms`
   * @param options.reading says that nothing could be read, for a call that would not have written
   * @param options.cure what to do now
   */
  constructor(
    detail: string,
    {
      reading = false,
      cure = 'Check that Redis runs, that its URL is right, and call again.',
      ...options
    }: { cause?: unknown; reading?: boolean; cure?: string } = {},
  ) {
    const effect = reading ? 'Nothing could be read' : 'Nothing was written';
    const advice = adviceOn(options.cause);
    super(`${detail}${advice === undefined ? '' : `: ${advice}`}. ${effect}. ${cure}`, options);
    this.#detail = detail;
    this.#cure = cure;
  }

  /** The same, met by a call that only reads. */
  whileReading(): QueueUnavailableError {
    return new QueueUnavailableError(this.#detail, { cause: this.cause, reading: true, cure: this.#cure });
  }
}

/** The message left for Redis but no answer came back: it may be stored or not. */
export class EnqueueUncertainError extends KitechatSenderError {
  override readonly name = 'EnqueueUncertainError';
  readonly code = 'ENQUEUE_UNCERTAIN';
  /** The id that the message has if it was stored; `getMessage(id)` tells. */
  readonly id: string;

  /** @param detail what happened, as a clause without a full stop and without secrets */
  constructor(id: string, detail: string, options: { cause?: unknown } = {}) {
    super(
      `${detail}. The message may have been stored with the id ${id}: look it up with getMessage when Redis answers again. ` +
        'Enqueue it again only with the same idempotencyKey, otherwise it may be sent twice.',
      options,
    );
    this.id = id;
  }
}

/** Too many messages are open. Nothing was stored. */
export class QueueFullError extends KitechatSenderError {
  override readonly name = 'QueueFullError';
  readonly code = 'QUEUE_FULL';

  constructor(maxQueued: number) {
    super(
      `The queue is full: ${maxQueued} messages are open (maxQueued, or KITECHAT_MAX_QUEUED). Nothing was stored. ` +
        'Check that workers run and are not held, and call again when they have caught up.',
    );
  }
}

/** The same `idempotencyKey` came with another request within 24 hours. Nothing was stored. */
export class IdempotencyConflictError extends KitechatSenderError {
  override readonly name = 'IdempotencyConflictError';
  readonly code = 'IDEMPOTENCY_CONFLICT';
  /** The id of the message that took the key first. */
  readonly id: string;

  constructor(id: string) {
    super(
      `This idempotencyKey was used for another request of this page within the last 24 hours (message ${id}). Nothing was stored. ` +
        'Use a new key for a new message, or the very same request to repeat the first one.',
    );
    this.id = id;
  }
}

/** Some items of a batch were not stored, or not surely. `results` says which, in the order of the items. */
export class BulkEnqueueError extends KitechatSenderError {
  override readonly name = 'BulkEnqueueError';
  readonly code = 'BULK_ENQUEUE';
  readonly results: readonly BulkEnqueueResult[];

  constructor(results: readonly BulkEnqueueResult[]) {
    const failed = results.filter((result) => 'error' in result);
    const codes = [...new Set(failed.map(({ error }) => error.code))].join(', ');
    super(
      `${failed.length} of ${results.length} messages failed (${codes}); the others are stored. ` +
        'Enqueue again only those whose entry in `results` has an error, and do what that error says.',
    );
    this.results = results;
  }
}

/** The configuration can't work. All problems at once. */
export class ConfigError extends KitechatSenderError {
  override readonly name = 'ConfigError';
  readonly code = 'INVALID_CONFIG';
  readonly problems: readonly string[];

  /** @param problems each names its variable or option and says what is wanted, without the value of a secret */
  constructor(problems: readonly string[]) {
    super(`The configuration can't be used, please correct:${listed(problems)}`);
    this.problems = problems;
  }
}

function listed(lines: readonly string[]): string {
  return lines.map((line) => `\n  - ${line}`).join('');
}

/** It was not said which dead letters: a slip must not mean all of them. Nothing was done. */
export class InvalidSelectionError extends KitechatSenderError {
  override readonly name = 'InvalidSelectionError';
  readonly code = 'INVALID_SELECTION';

  constructor() {
    super('Say which dead letters: { ids }, { filter } or { all: true }.');
  }
}

/** The entry that a list was to go on after is gone, and its place is not known here. */
export class UnknownPositionError extends KitechatSenderError {
  override readonly name = 'UnknownPositionError';
  readonly code = 'UNKNOWN_POSITION';

  constructor() {
    super(
      'The entry after which the list was to go on is there no more: it was sent again or removed. ' +
        'Begin anew with the newest, or give that entry with its time of death: after: { id, deadAt }.',
    );
  }
}
