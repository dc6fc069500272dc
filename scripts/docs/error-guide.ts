import type { DeadReason } from '../../src/shared/model/dead-letter.ts';

/** What the docs say of an error or of a dead letter: docs/errors.md is made from it. */
export interface Guide {
  cause: string;
  cure: string;
}

/** What the docs say of an error. */
export interface ErrorGuide extends Guide {
  name: string;
  /** Who meets it. */
  from: 'library' | 'command line' | 'tests and demo' | 'console';
  /** What is known of the message or the change that was asked for. */
  stored: string;
}

/** Every `code` of an error, once. A test fails for a code that is missing here. */
export const errorGuide: Readonly<Record<string, ErrorGuide>> = {
  INVALID_MESSAGE: {
    name: 'InvalidMessageError',
    from: 'library',
    stored: 'no',
    cause:
      'The request or its options break a rule: a field is missing, misspelt or too long, both `delayMs` and `sendAt` are given, or the request has more than 64 KiB.',
    cure: 'Correct what `issues` names: each has a `path`, such as `message.template.buttons[1].url`, and says what is wanted. Calling again with the same request gives the same error.',
  },
  QUEUE_UNAVAILABLE: {
    name: 'QueueUnavailableError',
    from: 'library',
    stored: 'no',
    cause:
      'Redis could not be reached in time, or it refused: a wrong password, no memory left (OOM), a replica, a missing right. Or this producer was closed.',
    cure: 'Call again when Redis is back: nothing was written. `cause.code` has what Redis said. Check `REDIS_URL`, that Redis runs, its memory, and the rights of its user.',
  },
  ENQUEUE_UNCERTAIN: {
    name: 'EnqueueUncertainError',
    from: 'library',
    stored: 'perhaps, under `error.id`',
    cause: 'The message left for Redis, and no answer came back before the deadline.',
    cure: 'With an `idempotencyKey`: call again with the same key and request. Without: ask `getMessage(error.id)` when Redis has answered for some seconds; if you call again although it gives `null`, the message may still be sent twice, in rare cases.',
  },
  CHANGE_UNCERTAIN: {
    name: 'ChangeUncertainError',
    from: 'library',
    stored: 'the change was made, or not',
    cause:
      'A cancellation, a replay, a discard, a hold or a limit left for Redis, and no answer came back before the deadline.',
    cure: 'Do it again: a second time does no harm, and a replay sends nothing twice.',
  },
  INVALID_SELECTION: {
    name: 'InvalidSelectionError',
    from: 'library',
    stored: 'nothing was done',
    cause: '`replay` or `discard` was called with neither `ids` nor `filter` nor `all: true`.',
    cure: 'Say which dead letters. Only `{ all: true }` means all of them.',
  },
  QUEUE_FULL: {
    name: 'QueueFullError',
    from: 'library',
    stored: 'no',
    cause: 'As many messages are open as `KITECHAT_MAX_QUEUED` allows for a shard.',
    cure: 'Look at `kitechat-sender status`: do workers run, is something held? Call again when they have caught up. Raise the limit only if Redis has the memory.',
  },
  IDEMPOTENCY_CONFLICT: {
    name: 'IdempotencyConflictError',
    from: 'library',
    stored: 'no; `error.id` is the message that took the key first',
    cause: 'The same `idempotencyKey` came with another request of the same page within 24 hours.',
    cure: "Use a new key for a new message, or the very same request to repeat the first one. Keys that are made of something unique, such as the id of an order and what happened to it, don't meet.",
  },
  BULK_ENQUEUE: {
    name: 'BulkEnqueueError',
    from: 'library',
    stored: '`results` says it for each item',
    cause: 'Some items of `enqueueMessages` were not stored, or not surely. The others are stored.',
    cure: 'Go through `results`: they are in the order of the items. Enqueue again only those that have an `error`, and do what that error asks for.',
  },
  INVALID_CONFIG: {
    name: 'ConfigError',
    from: 'library',
    stored: 'no',
    cause:
      "Settings that can't work: a value that breaks its rule, a file that can't be read, no key for a worker, another number of shards than the installation has, or another layout in Redis.",
    cure: 'Correct what `problems` names: all of them are told at once. No problem quotes a secret. Every setting: [configuration](configuration.md).',
  },
  UNKNOWN_POSITION: {
    name: 'UnknownPositionError',
    from: 'library',
    stored: 'nothing was to be changed',
    cause: "A list of dead letters was to go on after an entry that is gone, and its place isn't known here.",
    cure: 'Begin anew with the newest, or give that entry with its time of death: `after: { id, deadAt }`.',
  },
  UNREADABLE_INPUT: {
    name: 'UnreadableInputError',
    from: 'command line',
    stored: 'what was read before is stored, and its ids are printed',
    cause: "`send` can't read its file, or stdin.",
    cure: 'Name a file that is there and that this user may read, or none for stdin.',
  },
  UNWRITABLE_OUTPUT: {
    name: 'UnwritableOutputError',
    from: 'command line',
    stored: 'nothing was to be changed; a file that was there is as it was',
    cause:
      "`dead-letters export --out` can't write its file: it is there already, its folder isn't, or the disk is full.",
    cure: 'Choose another file, make the folder, or replace the file with `--force`.',
  },
  REDIS_MISSING: {
    name: 'RedisMissingError',
    from: 'tests and demo',
    stored: 'nothing was to be changed',
    cause:
      '`demo`, or a test, wants a Redis of its own, and there is neither a `redis-server` or `valkey-server` on the path nor a container engine.',
    cure: 'Install one: the message says how on this system.',
  },
  REDIS_START: {
    name: 'RedisStartError',
    from: 'tests and demo',
    stored: 'nothing was to be changed',
    cause: "A Redis for `demo`, or for a test, was started and didn't come up.",
    cure: 'Read the end of its log, which the message holds.',
  },
  BAD_FORM: {
    name: 'BadFormError',
    from: 'console',
    stored: 'nothing was changed',
    cause: 'A request to the console that none of its forms makes, or a field that breaks a rule.',
    cure: 'Go back, load the page again and correct the field.',
  },
};

/** Every dead reason: the type makes sure that none is missing. */
export const deadReasonGuide: Readonly<Record<DeadReason, Guide>> = {
  rejected: {
    cause:
      'The API refused this message: 400, 404, 413, 422 or another 4xx, or a 2xx that says `"success": false`. It would refuse it again.',
    cure: 'Read the answer with `dead-letters show ID`. Replay it with `--set`, such as `--set message.text="…"`, or discard it. If all are refused, something in your app or in `KITECHAT_API_URL` is wrong.',
  },
  exhausted: {
    cause: 'All attempts that it was allowed were used up by failures and unknown outcomes.',
    cure: 'Look at the attempts: did they meet 5xx, or no answer? Replay when the API works again, with `--rate`. Some of them may have arrived: outcomes that say `unknown`.',
  },
  expired: {
    cause:
      'It became older than its TTL before it could be sent: a long hold, a limit that is too low, no workers, an outage.',
    cure: 'Is it still wanted? Then `dead-letters replay --force`, otherwise discard it. See in `status` what it waited for.',
  },
  'unknown-outcome': {
    cause:
      'A request went out and nobody can know whether it arrived, and the message asked not to be sent twice (`dead-letter`).',
    cure: 'Ask the receiver, or look into the conversation. If it is there: discard. If not: replay.',
  },
  crashed: {
    cause: 'Workers died five times while they worked on it, without one end in between.',
    cure: 'Keep the entry and the logs of the workers. Look at your hooks, and at the memory of the workers. Replay it when the cause is gone.',
  },
  undecodable: {
    cause:
      "What is stored can't be read: a newer version stored it, somebody changed it, or a key to decrypt it is missing.",
    cure: 'Run the version that stored it, or give the workers the key. `dead-letters show ID` shows what is known. Discard it if nothing can read it.',
  },
};
