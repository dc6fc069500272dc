import * as z from 'zod';
import {
  addressList,
  autoOrWholeNumber,
  consoleToken,
  endpointUrl,
  flag,
  headerToken,
  ledgerPlace,
  listenHost,
  loggedPart,
  namespace,
  natMap,
  part,
  rateLimit,
  redisUrl,
  shardList,
  wholeNumber,
} from './values.ts';
import { deadLetterPolicies } from '../model/dead-letter.ts';
import { MAX_DURATION_MS, MAX_TIMER_MS } from '../model/time.ts';
import { traces } from './trace-styles.ts';
import { unknownOutcomePolicies } from '../model/enqueue-options.ts';
import { fields } from '../validation/issues.ts';
import { ALL_SHARDS, parseShardList } from './shard-list.ts';
import { requiredText } from '../validation/rules.ts';
import { special } from './special.ts';
import * as given from './together.ts';

const waitMs = wholeNumber(1, MAX_TIMER_MS);
const keptMs = wholeNumber(1_000, MAX_DURATION_MS);

const answersTo503 = ['not-processed', 'unknown'] as const;
const answerRules = ['strict', 'any-2xx'] as const;

const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

/**
 * The only definition of each setting, with its default and description. The variable of a setting is its name in capitals: `ttlMs` is
 * `KITECHAT_TTL_MS`.
 */
export const configSchema = fields({
  redisUrl: redisUrl
    .default('redis://127.0.0.1:6379')
    .describe(
      'the Redis that stores the messages: `redis://`, `rediss://` for TLS, `redis+sentinel://`, `redis+cluster://` or `unix://`; several URLs, separated by commas, are nodes of a Redis Cluster',
    )
    .register(special, { variable: 'REDIS_URL', fromFile: true }),
  redisCaFile: requiredText
    .optional()
    .describe(
      "a PEM file with the certificates of private authorities that signed Redis's certificate; they are trusted in addition to the usual ones",
    )
    .register(special, { variable: 'REDIS_CA_FILE' }),
  redisCertFile: requiredText
    .optional()
    .describe('a PEM file with a client certificate for Redis, if Redis asks for one')
    .register(special, { variable: 'REDIS_CERT_FILE' }),
  redisKeyFile: requiredText
    .optional()
    .describe('a PEM file with the private key of this certificate')
    .register(special, { variable: 'REDIS_KEY_FILE' }),
  redisNatMap: natMap
    .optional()
    .describe(
      'the addresses under which the servers of a Redis Cluster, or those that Sentinel names, are reached from here: `10.0.0.1:6379=127.0.0.1:7001,…`',
    )
    .register(special, { variable: 'REDIS_NAT_MAP' }),
  apiUrl: endpointUrl
    .default('https://apiring.antbuddy.com/kitechat/send-message')
    .describe('the full URL of the endpoint'),
  apiKey: headerToken
    .optional()
    .describe('the API key for all pages; only workers need it')
    .register(special, { isSecret: true }),
  apiKeyFile: requiredText
    .optional()
    .describe('a file that contains this key; a worker reads it again when it changes'),
  apiKeysFile: requiredText
    .optional()
    .describe('a file with a key for each page, `{ "<pageId>": "<key>" }`; a worker reads it again when it changes'),
  namespace: namespace.default('kitechat').describe('the name that keeps several installations on one Redis apart'),
  shards: wholeNumber(1, 256)
    .default(1)
    .describe(
      'the number of queues that the pages are spread over; fixed by the first process that uses the Redis, until `kitechat-sender reshard`',
    ),
  serveShards: shardList
    .default(ALL_SHARDS)
    .describe('the shards that a worker serves, such as `0,2,5-7`; each shard must be served by some worker'),
  concurrency: wholeNumber(1, 10_000)
    .default(50)
    .describe('the most requests that one worker process may have open at once'),
  timeoutMs: wholeNumber(100, 600_000).default(10_000).describe('the longest that one HTTP attempt may take'),
  attempts: wholeNumber(1, 1_000)
    .default(8)
    .describe('attempts per message; requests that provably were not sent, rate limits and holds use none'),
  backoffMs: waitMs
    .default(1_000)
    .describe('the longest backoff before the first retry; it doubles with each attempt, with full jitter'),
  backoffMaxMs: waitMs.default(300_000).describe('the longest backoff'),
  rateLimit: rateLimit
    .optional()
    .describe(
      'how fast the whole fleet may send, as `50/s`, `300/min`, `1000/h` or `50/s burst 10`; no limit if not set',
    ),
  pageRateLimit: rateLimit
    .optional()
    .describe('how fast the fleet may send for each page, in the same form; no limit if not set'),
  refusalsToHold: wholeNumber(0, 100)
    .default(20)
    .describe(
      'how many different conversations (up to 100) must be refused alike, without a success in between, before their page, key or everything is held; `0` for never',
    ),
  on503: z
    .enum(answersTo503)
    .default('not-processed')
    .describe(
      'what the status 503 means: `not-processed`, so the message waits without using an attempt, or `unknown`, so it may have arrived',
    )
    .register(special, { variable: 'KITECHAT_503' }),
  answers: z
    .enum(answerRules)
    .default('strict')
    .describe(
      'which answers with a status 2xx mean `delivered`: `strict` for those that come from the API and report no failure, `any-2xx` for all but `success: false`',
    ),
  hooksFile: requiredText
    .optional()
    .describe(
      'a JavaScript module that exports hooks for the command `worker`: `resolveApiKey`, `classifyResponse`, `beforeSend`, `resolveUnknown`, `ky`',
    ),
  traces,
  stateDir: requiredText
    .optional()
    .describe(
      'a folder in which workers remember how far Redis has come, so that they notice a restore of an older backup although all of them were stopped; by default the `STATE_DIRECTORY` of systemd',
    ),
  keepAliveMs: wholeNumber(0, 600_000)
    .default(1_000)
    .describe(
      'the longest that a connection may be idle and still be used; less if the server says so; `0` for a new connection for each request',
    ),
  apiCaFile: requiredText
    .optional()
    .describe(
      "a PEM file with the certificates of private authorities that signed the API's certificate; they are trusted in addition to the usual ones",
    ),
  apiCertFile: requiredText
    .optional()
    .describe('a PEM file with a client certificate for the API, if the API asks for one'),
  apiCertKeyFile: requiredText.optional().describe('a PEM file with the private key of the client certificate'),
  // Not validated here: only a worker uses these variables, and others that programs share must not stop a producer.
  httpsProxy: z
    .string()
    .optional()
    .describe(
      'the proxy for an API with `https`; this name and the next two may also be in lower case, which comes first',
    )
    .register(special, { variable: 'HTTPS_PROXY', alias: 'https_proxy' }),
  httpProxy: z
    .string()
    .optional()
    .describe('the proxy for an API with `http`, and for `https` if the one above is not set')
    .register(special, { variable: 'HTTP_PROXY', alias: 'http_proxy' }),
  noProxy: z
    .string()
    .optional()
    .describe(
      'hosts that are reached without a proxy, with their subdomains, such as `localhost,example.com`; `*` for all',
    )
    .register(special, { variable: 'NO_PROXY', alias: 'no_proxy' }),
  retryAfterMaxMs: waitMs.default(900_000).describe('the longest hold that a Retry-After can cause'),
  pageParallelism: autoOrWholeNumber(1, 10_000)
    .default('auto')
    .describe('the most conversations of one page in progress at once, in the whole fleet; `auto` is a fair share'),
  ttlMs: wholeNumber(1, MAX_DURATION_MS)
    .default(86_400_000)
    .describe('the age after which a message is not sent any more but becomes a dead letter'),
  onUnknownOutcome: z
    .enum(unknownOutcomePolicies)
    .default('resend')
    .describe(
      'when nobody can know whether a message arrived: `resend` it, or make it a `dead-letter`, so that it is never sent twice',
    ),
  onDeadLetter: z
    .enum(deadLetterPolicies)
    .default('continue')
    .describe(
      'what a dead letter means for the later messages of its conversation: `continue` to send them, or `hold` until an operator acts',
    ),
  maxQueued: wholeNumber(1, 1e9)
    .default(5_000_000)
    .describe('the most open messages per shard; above this, storing fails with `QueueFullError`'),
  redisFullAt: part
    .default(0.85)
    .describe(
      "the part of Redis's `maxmemory` from which on storing fails with `QueueFullError`, so that the rest is left to workers",
    ),
  keepDoneMs: keptMs.default(3_600_000).describe('how long delivered and cancelled messages are kept'),
  keepDone: wholeNumber(0, 100_000).default(1_000).describe('the most of them that a shard keeps'),
  keepEvents: wholeNumber(100, 1e7)
    .default(100_000)
    .describe('the most events per shard that are kept for groups that have not acknowledged them'),
  keepDeadMs: keptMs.default(2_592_000_000).describe('how long dead letters are kept'),
  ledger: ledgerPlace
    .optional()
    .describe(
      'where the command `ledger` keeps what became of messages: the URL of a PostgreSQL, `postgres://…`, or a folder; histories are read there',
    )
    .register(special, { fromFile: true }),
  encryptionKeysFile: requiredText
    .optional()
    .describe(
      'a file with keys, `{ "<key id>": "<32 bytes in base64>" }`: message content is encrypted in Redis with AES-256-GCM; the first key encrypts, all decrypt; read again when it changes',
    ),
  requireEncryption: flag.default(false).describe('refuse unencrypted messages: none is stored, none sent'),
  shutdownMs: wholeNumber(0, MAX_TIMER_MS)
    .default(25_000)
    .describe(
      'the longest that a worker may take to stop after SIGTERM; open requests may finish until shortly before',
    ),
  heartbeatFile: requiredText
    .optional()
    .describe(
      'a file that the command `worker` writes every few seconds as long as it reports to the fleet, for health checks; the image sets it',
    ),
  httpHost: listenHost
    .default('127.0.0.1')
    .describe('the host where health, metrics and the console are served; a host other than loopback needs a token'),
  httpPort: wholeNumber(0, 65_535)
    .optional()
    .describe(
      'the port for health, metrics and the console; 0 picks a free one. Not set: a worker serves none of them, `console` uses 7070',
    ),
  consoleToken: consoleToken
    .optional()
    .describe('the token for the console and the metrics, at least 16 characters; needed if the host is not loopback')
    .register(special, { fromFile: true, isSecret: true }),
  consoleTokensFile: requiredText
    .optional()
    .describe(
      'a file with several tokens in place of that one, `[{ "name": "anna", "token": "…", "role": "operate", "pages": ["p1"] }]`; `role` is `view`, `operate` or `admin`, `pages` may be left out; read again when it changes',
    ),
  consoleShowContent: flag
    .default(false)
    .describe("whether the console shows content and the API's answers, and `dead-letters list` the answers"),
  trustedProxies: addressList
    .optional()
    .describe(
      'the proxies in front of the console, as `10.0.0.5,10.1.0.0/16`: their `X-Forwarded-For` names the client whose wrong tokens count',
    ),
  logLevel: z
    .enum(logLevels)
    .default('info')
    .describe('`trace`, `debug`, `info`, `warn`, `error`, `fatal` or `silent`; logs are pino JSON')
    .register(special, { variable: 'LOG_LEVEL' }),
  logDelivered: loggedPart
    .default('1/1')
    .describe(
      'the part of deliveries that is logged, as `1/100`: those of one conversation in 100; `0/1` for none. Other attempts are always logged',
    ),
  enqueueTimeoutMs: waitMs
    .default(5_000)
    .describe('the time within which every call of a producer resolves or rejects')
    .register(special, { variable: null }),
})
  .refine(({ backoffMs, backoffMaxMs }) => backoffMaxMs >= backoffMs, {
    path: ['backoffMaxMs'],
    error: 'must not be less than the first backoff (KITECHAT_BACKOFF_MS)',
    // Checked even when other settings are wrong, so that all problems are reported at once.
    when: ({ value }) => given.fits(given.bothBackoffs, value),
  })
  .refine(
    ({ shards, serveShards }) => serveShards === ALL_SHARDS || (parseShardList(serveShards)?.at(-1) ?? 0) < shards,
    {
      path: ['serveShards'],
      error: 'names a shard that does not exist: shards have the numbers from 0 to KITECHAT_SHARDS - 1',
      when: ({ value }) => given.fits(given.bothShardSettings, value),
    },
  )
  .refine((config) => !given.fits(given.oneCertificate, config) || given.fits(given.bothCertificates, config), {
    path: ['apiCertFile'],
    error: 'goes together with KITECHAT_API_CERT_KEY_FILE: set both or none',
    when: () => true,
  })
  .refine((config) => !given.fits(given.bothKeys, config), {
    path: ['apiKeyFile'],
    error: 'is set, and so is KITECHAT_API_KEY: keep only one of them',
    when: () => true,
  })
  // Whoever gives people tokens of their own must not forget that the one that all of them know still has the role admin.
  .refine((config) => !given.fits(given.bothConsoleTokens, config), {
    path: ['consoleTokensFile'],
    error: 'is set, and so is KITECHAT_CONSOLE_TOKEN (or its file): keep only one; the file can hold that token, too',
    when: () => true,
  });
