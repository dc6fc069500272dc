import type { DeadReason } from '../../src/shared/model/dead-letter.ts';

/** The text of docs/errors.md about an error or a dead reason. */
export interface Guide {
  cause: string;
  cure: string;
}

/** The text of docs/errors.md about an error. */
export interface ErrorGuide extends Guide {
  name: string;
  /** The part of the package that throws the error. */
  from: 'library' | 'command line' | 'tests and demo' | 'console';
  /** Whether the message was stored, or the change was made. */
  stored: string;
}

/** Every error `code`, once. A test fails if a code is missing. */
export const errorGuide: Readonly<Record<string, ErrorGuide>> = {
  INVALID_MESSAGE: {
    name: 'InvalidMessageError',
    from: 'library',
    stored: 'no',
    cause:
      'The request or its options break a rule: a field is missing, misspelt or too long, both `delayMs` and `sendAt` are given, or the request has more than 64 KiB.',
    cure: 'Correct the fields named in `issues`: each issue has a `path`, such as `message.template.buttons[1].url`, and says what is expected. Calling again with the same request gives the same error.',
  },
  QUEUE_UNAVAILABLE: {
    name: 'QueueUnavailableError',
    from: 'library',
    stored: 'no',
    cause:
      'Redis could not be reached in time, or it refused the call: a wrong password, no memory left (OOM), a read-only replica, a missing right. Or this producer was closed. Or there was an [internal error](#internal-errors) before the message left.',
    cure: 'Nothing was written: call again when Redis is back. `cause.code` holds the error code of Redis or of the connection. Check `REDIS_URL`, that Redis runs, its memory, and the rights of its user.',
  },
  ENQUEUE_UNCERTAIN: {
    name: 'EnqueueUncertainError',
    from: 'library',
    stored: 'perhaps, under `error.id`',
    cause:
      'The message left for Redis, and no answer came back before the deadline, or the connection was lost. Or the script that stores it failed midway. Or an [internal error](#internal-errors) kept the answer from being read.',
    cure: 'With an `idempotencyKey`: call again with the same key and request. Without a key: call `getMessage(error.id)` once Redis has been answering for some seconds. If it returns `null` and you enqueue again, the message may in rare cases still be sent twice.',
  },
  CHANGE_UNCERTAIN: {
    name: 'ChangeUncertainError',
    from: 'library',
    stored: 'perhaps: the change was made, or not',
    cause:
      'A cancellation, a replay, a discard, a settling, a hold or a limit left for Redis, and no answer came back before the deadline, or the connection was lost. Or a script failed midway, as when the Redis user lacks the right to one of its commands, or there was an [internal error](#internal-errors).',
    cure: 'Repeat the call, after a missing right is given: repeating it is harmless, and a repeated replay sends nothing twice.',
  },
  LEDGER_UNAVAILABLE: {
    name: 'LedgerUnavailableError',
    from: 'library',
    stored: 'a call to write: perhaps; what the ledger had is unchanged',
    cause:
      'The [ledger](ledger.md) could not be read or written: PostgreSQL did not answer in time or refused the statement, or the folder or its disk refused. The message has the code of PostgreSQL (such as `28P01` for a wrong password, `42501` for a missing right) or of the system (`ECONNREFUSED`, `ENOSPC`).',
    cure: 'Call again when it is fixed. The command `ledger` does so by itself, and acknowledges no event before it is kept. Check `KITECHAT_LEDGER`, the rights of its user or folder, and the space on its disk. The console and `conversation` show what Redis knows meanwhile.',
  },
  INVALID_SELECTION: {
    name: 'InvalidSelectionError',
    from: 'library',
    stored: 'nothing was done',
    cause: '`replay` or `discard` was called with neither `ids` nor `filter` nor `all: true`.',
    cure: 'Select the dead letters. Only `{ all: true }` means all of them.',
  },
  QUEUE_FULL: {
    name: 'QueueFullError',
    from: 'library',
    stored: 'no',
    cause:
      'The shard has as many open messages as `KITECHAT_MAX_QUEUED` allows (`error.bound` is `messages`), or Redis uses as much of its `maxmemory` as `KITECHAT_REDIS_FULL_AT` allows, or all of it (`memory`).',
    cure: 'Check `kitechat-sender status`: do workers run, is something held? Call again when the workers have caught up: they go on in a full Redis. Raise the limit only if Redis has the memory; [sizing](operations.md#how-much-memory-redis-needs) says how much a message takes.',
  },
  IDEMPOTENCY_CONFLICT: {
    name: 'IdempotencyConflictError',
    from: 'library',
    stored: 'no; `error.id` is the message that took the key first',
    cause: 'The same `idempotencyKey` was used with a different request of the same page within 24 hours.',
    cure: "Use a new key for a new message, or exactly the same request to repeat the first one. Keys made of something unique, such as an order's id and the event, don't collide.",
  },
  BULK_ENQUEUE: {
    name: 'BulkEnqueueError',
    from: 'library',
    stored: '`results` says so for each item',
    cause:
      'Some items of `enqueueMessages` were not stored, or it is uncertain whether they were. The others are stored.',
    cure: 'Go through `results`, which are in the order of the items. Enqueue again only the items that have an `error`, and follow the cure of that error.',
  },
  INVALID_CONFIG: {
    name: 'ConfigError',
    from: 'library',
    stored: 'no',
    cause:
      "Settings that can't work: a value that breaks its rule, a file that can't be read, no key for a worker, a number of shards other than the installation's, or a different layout in Redis.",
    cure: 'Correct the settings named in `problems`, which lists all problems at once and quotes no secret. Every setting: [configuration](configuration.md).',
  },
  UNKNOWN_POSITION: {
    name: 'UnknownPositionError',
    from: 'library',
    stored: 'not applicable: the call changes nothing',
    cause: 'The entry to continue after no longer exists, and its position in the list is unknown.',
    cure: 'Start again with the newest entry, or pass the entry with its time of death: `after: { id, deadAt }`.',
  },
  UNREADABLE_INPUT: {
    name: 'UnreadableInputError',
    from: 'command line',
    stored: 'lines read before the error are stored, and their ids are printed',
    cause: "`send` can't read its file, or stdin.",
    cure: 'Name an existing file that this user may read, or no file to read stdin.',
  },
  UNWRITABLE_OUTPUT: {
    name: 'UnwritableOutputError',
    from: 'command line',
    stored: 'not applicable; an existing file is unchanged',
    cause:
      "`dead-letters export --out` can't write its file: the file exists already, its folder doesn't exist, or the disk is full.",
    cure: 'Choose another file, create the folder, or replace the file with `--force`.',
  },
  REDIS_MISSING: {
    name: 'RedisMissingError',
    from: 'tests and demo',
    stored: 'not applicable: nothing was started',
    cause:
      '`demo`, or a test, needs its own Redis, but there is neither a `redis-server` or `valkey-server` on the path nor a container engine.',
    cure: 'Install one of them: the message says how on this system.',
  },
  REDIS_START: {
    name: 'RedisStartError',
    from: 'tests and demo',
    stored: 'not applicable: Redis did not start',
    cause: "A Redis for `demo`, or for a test, was started but didn't come up.",
    cure: 'Read the end of its log, which is part of the message.',
  },
  BAD_FORM: {
    name: 'BadFormError',
    from: 'console',
    stored: 'nothing was changed',
    cause: 'The console got a request that none of its forms sends, or a field that breaks a rule.',
    cure: 'Go back, reload the page and correct the field.',
  },
  FORBIDDEN: {
    name: 'ForbiddenError',
    from: 'console',
    stored: 'nothing was changed',
    cause: "The visitor's token lacks the role, or is not for the page: the answer says which.",
    cure: 'Ask an admin, or have the token changed in the file of `KITECHAT_CONSOLE_TOKENS_FILE`; [the console](console.md#roles) has the rules.',
  },
};

/** The text about every dead reason; the type ensures that none is missing. */
export const deadReasonGuide: Readonly<Record<DeadReason, Guide>> = {
  rejected: {
    cause:
      'The API refused this message: 400, 404, 413, 422 or another 4xx, or a 2xx that reports a failure, such as `"success": false`; the detail says which. It would refuse the same message again. Or your hook `beforeSend` refused it, and it was never sent.',
    cure: 'Read the answer with `dead-letters show ID`. Replay the message with an edit, such as `--set message.text="…"`, or discard it. If all messages are refused, check your app and `KITECHAT_API_URL`.',
  },
  exhausted: {
    cause: 'Failures and unknown outcomes used up all attempts that the message was allowed.',
    cure: 'Look at the attempts: did they get a 5xx, or no answer? Replay with `--rate` when the API works again. After an attempt with the outcome `unknown` the message may have arrived already: a replay needs `--force`, or `dead-letters settle ID --not-delivered` once you know that it did not.',
  },
  expired: {
    cause:
      'The message exceeded its TTL before it could be sent: a long hold, a limit that is too low, no workers, an outage.',
    cure: 'If the message is still wanted, use `dead-letters replay --force`; otherwise discard it. `status` may show what it waited for.',
  },
  'unknown-outcome': {
    cause:
      'A request went out, nobody can know whether it arrived, and the policy of the message is `dead-letter`: never send it twice.',
    cure: 'Ask the receiver, or check the conversation. If the message arrived, use `dead-letters settle ID --delivered`; if not, `dead-letters settle ID --not-delivered`, then replay it. A replay without knowing needs `--force`, and the message may arrive twice. If a program can find out, give the workers a hook [`resolveUnknown`](hooks.md#resolveunknown).',
  },
  crashed: {
    cause: 'Workers died five times in a row while they were sending the message.',
    cure: 'Keep the entry and the logs of the workers. Check your hooks, and the memory of the workers. The message may have arrived: find out, use `dead-letters settle`, and replay it if it did not and the cause is fixed.',
  },
  undecodable: {
    cause:
      "The stored data can't be read, or must not be sent: a newer version stored it, somebody changed it, it is not encrypted although that is required, or it was encrypted with another key.",
    cure: 'Its `problem` says which. Run the version that stored it, or give the workers the right key, then replay it. If somebody changed or stored it, find out who writes to this Redis before you replay it. `dead-letters show ID` shows the readable parts. Discard the entry if no version and key can read it.',
  },
};
