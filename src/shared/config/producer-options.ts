import type { InstallationOptions } from './installation-options.ts';

/** The options of `openDeadLetters`. They include those for storing a message, because a replay stores a new one. */
export interface DeadLetterOptions extends InstallationOptions {
  /**
   * The age, in ms, after which a message is not sent any more but becomes a dead letter. `ttlMs` of a message overrides it.
   *
   * @default 86_400_000
   * @example 3_600_000
   */
  ttlMs?: number | undefined;
  /**
   * The most messages that may be open in a shard. Above this, storing a message fails with `QueueFullError`.
   *
   * @default 5_000_000
   * @example 100_000
   */
  maxQueued?: number | undefined;
  /**
   * The part of Redis's `maxmemory` from which on storing a message fails with `QueueFullError`, so that the rest is left to workers. It
   * counts only under the policy `noeviction`; 1 leaves the refusal to Redis.
   *
   * @default 0.85
   * @example 0.7
   */
  redisFullAt?: number | undefined;
  /**
   * The time, in ms, within which every call resolves or rejects, whatever Redis does.
   *
   * @default 5_000
   * @example 2_000
   */
  enqueueTimeoutMs?: number | undefined;
}

/** The options of `createProducer`. */
export interface ProducerOptions extends DeadLetterOptions {
  /**
   * The ledger that the command `ledger` writes: the URL of a PostgreSQL, which needs the package `pg`, or a folder. The history of a
   * conversation also has the messages that are kept there.
   *
   * @default undefined
   * @example 'postgres://kitechat_reader:password@db.internal:5432/app'
   */
  ledger?: string | undefined;
}
