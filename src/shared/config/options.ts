import type { DeadLetterPolicy } from '../model/dead-letter.ts';
import type { UnknownOutcomePolicy } from '../model/enqueue-options.ts';
import type { LogLevel } from './schema.ts';

/** Which installation it is. These must be the same in all of its processes. */
export interface InstallationOptions {
  /**
   * The Redis that holds the queue; `rediss://` for TLS. Several URLs with commas between them are nodes of a Redis Cluster.
   *
   * @default 'redis://127.0.0.1:6379'
   * @example 'redis://kitechat-worker:password@redis.internal:6379/0'
   */
  redisUrl?: string | undefined;
  /**
   * Keeps several installations on one Redis apart. All keys begin with it.
   *
   * @default 'kitechat'
   * @example 'staging'
   */
  namespace?: string | undefined;
  /**
   * How many queues the pages are spread over. The first process that uses the Redis fixes it; `kitechat-sender reshard` changes it.
   *
   * @default 1
   * @example 8
   */
  shards?: number | undefined;
  /**
   * A file with keys, `{ "<key id>": "<32 bytes in base64>" }`: what messages say is encrypted in Redis then. The first key encrypts, all of
   * them decrypt. The file is read again when it changes.
   *
   * @default undefined
   * @example '/run/secrets/encryption-keys.json'
   */
  encryptionKeysFile?: string | undefined;
  /**
   * How many attempts a message has. What was provably not sent, rate limits and holds use none.
   *
   * @default 8
   * @example 12
   */
  attempts?: number | undefined;
  /**
   * How long a dead letter is kept, in ms.
   *
   * @default 2_592_000_000
   * @example 7 * 86_400_000
   */
  keepDeadMs?: number | undefined;
}

/** What stores messages: the options of `createProducer`. */
export interface ProducerOptions extends InstallationOptions {
  /**
   * A message older than this, in ms, is not sent any more: it becomes a dead letter. A message can say otherwise.
   *
   * @default 86_400_000
   * @example 3_600_000
   */
  ttlMs?: number | undefined;
  /**
   * How many messages may be open in a shard; past it storing fails with `QueueFullError`.
   *
   * @default 5_000_000
   * @example 100_000
   */
  maxQueued?: number | undefined;
  /**
   * Every call settles within this time, in ms, whatever Redis does.
   *
   * @default 5_000
   * @example 2_000
   */
  enqueueTimeoutMs?: number | undefined;
}

/** The options of `openDeadLetters`: an entry that is sent again is stored as a producer would. */
export type DeadLetterOptions = ProducerOptions;

/** What delivers messages: the options of `createWorker`, beside its hooks. */
export interface WorkerSettings extends InstallationOptions {
  /**
   * The whole endpoint that messages are sent to.
   *
   * @default 'https://apiring.antbuddy.com/kitechat/send-message'
   * @example 'http://127.0.0.1:8080/send-message'
   */
  apiUrl?: string | undefined;
  /**
   * The API key of every page.
   *
   * @default undefined
   * @example process.env.KITECHAT_API_KEY
   */
  apiKey?: string | undefined;
  /**
   * The file that holds this key instead; it is read again when it changes.
   *
   * @default undefined
   * @example '/run/secrets/kitechat-api-key'
   */
  apiKeyFile?: string | undefined;
  /**
   * A file with a key for each page, `{ "<pageId>": "<key>" }`; it is read again when it changes.
   *
   * @default undefined
   * @example '/run/secrets/kitechat-api-keys.json'
   */
  apiKeysFile?: string | undefined;
  /**
   * The shards that this worker serves. Each shard needs a worker that serves it.
   *
   * @default 'all'
   * @example '0,2,5-7'
   */
  serveShards?: string | undefined;
  /**
   * How many requests this worker may have open at once.
   *
   * @default 50
   * @example 200
   */
  concurrency?: number | undefined;
  /**
   * How long one attempt may take at most, in ms, from the first byte of the request to the last of the answer.
   *
   * @default 10_000
   * @example 5_000
   */
  timeoutMs?: number | undefined;
  /**
   * The first retry comes within this time, in ms. It doubles with every attempt, with full jitter.
   *
   * @default 1_000
   * @example 500
   */
  backoffMs?: number | undefined;
  /**
   * The longest backoff, in ms.
   *
   * @default 300_000
   * @example 60_000
   */
  backoffMaxMs?: number | undefined;
  /**
   * How fast the whole fleet may send. No limit if it is left out.
   *
   * @default undefined
   * @example '50/s burst 10'
   */
  rateLimit?: string | undefined;
  /**
   * How fast the fleet may send for each page.
   *
   * @default undefined
   * @example '300/min'
   */
  pageRateLimit?: string | undefined;
  /**
   * The longest hold that the API can ask for with a Retry-After, in ms.
   *
   * @default 900_000
   * @example 60_000
   */
  retryAfterMaxMs?: number | undefined;
  /**
   * How many conversations of one page may be in progress at once in the whole fleet; `auto` is a fair share.
   *
   * @default 'auto'
   * @example 10
   */
  pageParallelism?: number | 'auto' | undefined;
  /**
   * What becomes of a message of which nobody can know whether it arrived: sent again, or dead, so that it is never sent twice.
   * A message can say otherwise.
   *
   * @default 'resend'
   * @example 'dead-letter'
   */
  onUnknownOutcome?: UnknownOutcomePolicy | undefined;
  /**
   * What a dead letter means for the later messages of its conversation: they go on, or wait for an operator.
   *
   * @default 'continue'
   * @example 'hold'
   */
  onDeadLetter?: DeadLetterPolicy | undefined;
  /**
   * How long delivered messages stay known, in ms; at most 1,000 of a shard do.
   *
   * @default 3_600_000
   * @example 600_000
   */
  keepDoneMs?: number | undefined;
  /**
   * How long `close` lets open requests go on, in ms.
   *
   * @default 25_000
   * @example 8_000
   */
  shutdownMs?: number | undefined;
  /**
   * What the worker logs, as JSON lines on stdout.
   *
   * @default 'info'
   * @example 'warn'
   */
  logLevel?: LogLevel | undefined;
}

type Names<Options> = Record<keyof Options, true>;

const installation: Names<InstallationOptions> = {
  redisUrl: true,
  namespace: true,
  shards: true,
  encryptionKeysFile: true,
  attempts: true,
  keepDeadMs: true,
};

const producer: Names<ProducerOptions> = { ...installation, ttlMs: true, maxQueued: true, enqueueTimeoutMs: true };

const worker: Names<WorkerSettings> = {
  ...installation,
  apiUrl: true,
  apiKey: true,
  apiKeyFile: true,
  apiKeysFile: true,
  serveShards: true,
  concurrency: true,
  timeoutMs: true,
  backoffMs: true,
  backoffMaxMs: true,
  rateLimit: true,
  pageRateLimit: true,
  retryAfterMaxMs: true,
  pageParallelism: true,
  onUnknownOutcome: true,
  onDeadLetter: true,
  keepDoneMs: true,
  shutdownMs: true,
  logLevel: true,
};

/** The functions that take settings in code, and the names of those that each uses. */
export const doors = { createProducer: producer, openDeadLetters: producer, createWorker: worker } as const;

export type Door = keyof typeof doors;
