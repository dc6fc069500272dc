import type { DeadLetterPolicy } from '../model/dead-letter.ts';
import type { UnknownOutcomePolicy } from '../model/enqueue-options.ts';
import type { InstallationOptions } from './installation-options.ts';
import type { LogOptions } from './log-options.ts';
import type { TraceOptions } from './trace-options.ts';

/** The options of `createWorker`, without its hooks. */
export interface WorkerSettings extends InstallationOptions, LogOptions, TraceOptions {
  /**
   * The full URL of the endpoint that messages are sent to.
   *
   * @default 'https://apiring.antbuddy.com/kitechat/send-message'
   * @example 'http://127.0.0.1:8080/send-message'
   */
  apiUrl?: string | undefined;
  /**
   * The API key for all pages.
   *
   * @default undefined
   * @example process.env.KITECHAT_API_KEY
   */
  apiKey?: string | undefined;
  /**
   * A file that contains the API key, in place of `apiKey`; it is read again when it changes.
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
   * The shards that this worker serves. Each shard must be served by some worker.
   *
   * @default 'all'
   * @example '0,2,5-7'
   */
  serveShards?: string | undefined;
  /**
   * The most requests that this worker may have open at once.
   *
   * @default 50
   * @example 200
   */
  concurrency?: number | undefined;
  /**
   * The longest that one attempt may take, in ms, from its start to the last byte of the answer.
   *
   * @default 10_000
   * @example 5_000
   */
  timeoutMs?: number | undefined;
  /**
   * The longest backoff before the first retry, in ms. It doubles with each attempt, with full jitter.
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
   * How fast the whole fleet may send; no limit if it is left out.
   *
   * @default undefined
   * @example '50/s burst 10'
   */
  rateLimit?: string | undefined;
  /**
   * How fast the fleet may send for each page; no limit if it is left out.
   *
   * @default undefined
   * @example '300/min'
   */
  pageRateLimit?: string | undefined;
  /**
   * How many different conversations (up to 100) must be refused alike, without a success in between, before their page, key or everything
   * is held; 0 for never.
   *
   * @default 20
   * @example 0
   */
  refusalsToHold?: number | undefined;
  /**
   * What the status 503 means: with `not-processed` the message waits without using an attempt; with `unknown` it may have arrived,
   * unless the answer has a Retry-After or names a limit.
   *
   * @default 'not-processed'
   * @example 'unknown'
   */
  on503?: 'not-processed' | 'unknown' | undefined;
  /**
   * Which answers with a status 2xx mean `delivered`: `strict` for those that come from the API and report no failure, `any-2xx` for
   * all but `success: false`.
   *
   * @default 'strict'
   * @example 'any-2xx'
   */
  answers?: 'strict' | 'any-2xx' | undefined;
  /**
   * The longest that a connection may be idle and still be used, in ms; less if the server says so; 0 for a new connection for each
   * request. The worker closes idle connections earlier, by half of this time, at most a second.
   *
   * @default 1_000
   * @example 4_000
   */
  keepAliveMs?: number | undefined;
  /**
   * A PEM file with the certificates of private authorities that signed the API's certificate. They are trusted in addition to the usual
   * ones.
   *
   * @default undefined
   * @example '/etc/ssl/company-ca.pem'
   */
  apiCaFile?: string | undefined;
  /**
   * A PEM file with a client certificate for the API; goes together with `apiCertKeyFile`.
   *
   * @default undefined
   * @example '/run/secrets/client.pem'
   */
  apiCertFile?: string | undefined;
  /**
   * A PEM file with the private key of the client certificate.
   *
   * @default undefined
   * @example '/run/secrets/client-key.pem'
   */
  apiCertKeyFile?: string | undefined;
  /**
   * The URL of the proxy for an API with `https`.
   *
   * @default undefined
   * @example 'http://proxy.internal:3128'
   */
  httpsProxy?: string | undefined;
  /**
   * The URL of the proxy for an API with `http`, and for `https` if `httpsProxy` is not set.
   *
   * @default undefined
   * @example 'http://proxy.internal:3128'
   */
  httpProxy?: string | undefined;
  /**
   * Hosts that are reached without a proxy, with their subdomains; `*` for all.
   *
   * @default undefined
   * @example 'localhost,example.com'
   */
  noProxy?: string | undefined;
  /**
   * The longest hold that the API can cause with a Retry-After, in ms.
   *
   * @default 900_000
   * @example 60_000
   */
  retryAfterMaxMs?: number | undefined;
  /**
   * The most conversations of one page that may be in progress at once in the whole fleet; `auto` is a fair share.
   *
   * @default 'auto'
   * @example 10
   */
  pageParallelism?: number | 'auto' | undefined;
  /**
   * What happens if nobody can know whether a message arrived: `resend` sends it again, and it may arrive twice; with `dead-letter` it
   * becomes a dead letter. `onUnknownOutcome` of a message overrides it.
   *
   * @default 'resend'
   * @example 'dead-letter'
   */
  onUnknownOutcome?: UnknownOutcomePolicy | undefined;
  /**
   * What a dead letter means for the later messages of its conversation: with `continue` they are sent, with `hold` they wait for an
   * operator.
   *
   * @default 'continue'
   * @example 'hold'
   */
  onDeadLetter?: DeadLetterPolicy | undefined;
  /**
   * A folder in which the worker remembers how far Redis has come. With it, a worker that starts later notices that Redis was restored
   * from an older backup. Several workers may share the folder. If the folder can't be written, the worker warns and goes on.
   *
   * @default undefined
   * @example '/var/lib/kitechat-sender'
   */
  stateDir?: string | undefined;
  /**
   * The most events per shard that are kept for groups that have not acknowledged them. Past it a group gets an event `gap`.
   *
   * @default 100_000
   * @example 1_000_000
   */
  keepEvents?: number | undefined;
  /**
   * How long delivered and cancelled messages are kept, in ms; at most `keepDone` per shard.
   *
   * @default 3_600_000
   * @example 600_000
   */
  keepDoneMs?: number | undefined;
  /**
   * The most delivered and cancelled messages that a shard keeps, for `getMessage` and `history`; older ones are removed.
   *
   * @default 1_000
   * @example 20_000
   */
  keepDone?: number | undefined;
  /**
   * The longest that `close` may take, in ms. Requests still open shortly before the end are given up.
   *
   * @default 25_000
   * @example 8_000
   */
  shutdownMs?: number | undefined;
}
