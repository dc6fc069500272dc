import { z } from 'zod';

import {
  autoOrWholeNumber,
  consoleToken,
  endpointUrl,
  flag,
  headerToken,
  listenHost,
  namespace,
  rateLimit,
  redisUrl,
  shardList,
  wholeNumber,
} from './values.ts';
import { deadLetterPolicies } from '../model/dead-letter.ts';
import { MAX_DURATION_MS, MAX_TIMER_MS } from '../model/time.ts';
import { unknownOutcomePolicies } from '../model/enqueue-options.ts';
import { fields } from '../validation/issues.ts';
import { ALL_SHARDS, parseShardList } from './shard-list.ts';
import { requiredText } from '../validation/rules.ts';

interface SettingDescription {
  /** The environment variable. A setting without a variable can only be given in code. */
  variable?: string;
  /** The value can also be read from the file that `<variable>_FILE` names. */
  fromFile?: true;
  description: string;
}

const descriptions = z.registry<SettingDescription>();

const bothBackoffs = z.object({ backoffMs: z.number(), backoffMaxMs: z.number() });
const bothShardSettings = z.object({ shards: z.number(), serveShards: shardList });
const bothKeys = z.object({ apiKey: z.string(), apiKeyFile: z.string() });

const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

/** The only definition of each setting, with its variable, default and description. */
export const configSchema = fields({
  redisUrl: redisUrl.default('redis://127.0.0.1:6379').register(descriptions, {
    variable: 'REDIS_URL',
    fromFile: true,
    description:
      'the Redis that stores the messages; `rediss://` for TLS; several URLs, separated by commas, are nodes of a Redis Cluster',
  }),
  apiUrl: endpointUrl.default('https://apiring.antbuddy.com/kitechat/send-message').register(descriptions, {
    variable: 'KITECHAT_API_URL',
    description: 'the full URL of the endpoint',
  }),
  apiKey: headerToken.optional().register(descriptions, {
    variable: 'KITECHAT_API_KEY',
    description: 'the API key for all pages; only workers need it',
  }),
  apiKeyFile: requiredText.optional().register(descriptions, {
    variable: 'KITECHAT_API_KEY_FILE',
    description: 'a file that contains this key; a worker reads it again when it changes',
  }),
  apiKeysFile: requiredText.optional().register(descriptions, {
    variable: 'KITECHAT_API_KEYS_FILE',
    description: 'a file with a key for each page, `{ "<pageId>": "<key>" }`; a worker reads it again when it changes',
  }),
  namespace: namespace.default('kitechat').register(descriptions, {
    variable: 'KITECHAT_NAMESPACE',
    description: 'the name that keeps several installations on one Redis apart',
  }),
  shards: wholeNumber(1, 256).default(1).register(descriptions, {
    variable: 'KITECHAT_SHARDS',
    description:
      'the number of queues that the pages are spread over; fixed by the first process that uses the Redis, until `kitechat-sender reshard`',
  }),
  serveShards: shardList.default(ALL_SHARDS).register(descriptions, {
    variable: 'KITECHAT_SERVE_SHARDS',
    description: 'the shards that a worker serves, such as `0,2,5-7`; each shard must be served by some worker',
  }),
  concurrency: wholeNumber(1, 10_000).default(50).register(descriptions, {
    variable: 'KITECHAT_CONCURRENCY',
    description: 'the most requests that one worker process may have open at once',
  }),
  timeoutMs: wholeNumber(100, 600_000).default(10_000).register(descriptions, {
    variable: 'KITECHAT_TIMEOUT_MS',
    description: 'the longest that one HTTP attempt may take',
  }),
  attempts: wholeNumber(1, 1_000).default(8).register(descriptions, {
    variable: 'KITECHAT_ATTEMPTS',
    description: 'attempts per message; requests that provably were not sent, rate limits and holds use none',
  }),
  backoffMs: wholeNumber(1, MAX_TIMER_MS).default(1_000).register(descriptions, {
    variable: 'KITECHAT_BACKOFF_MS',
    description: 'the longest backoff before the first retry; it doubles with each attempt, with full jitter',
  }),
  backoffMaxMs: wholeNumber(1, MAX_TIMER_MS).default(300_000).register(descriptions, {
    variable: 'KITECHAT_BACKOFF_MAX_MS',
    description: 'the longest backoff',
  }),
  rateLimit: rateLimit.optional().register(descriptions, {
    variable: 'KITECHAT_RATE_LIMIT',
    description:
      'how fast the whole fleet may send, as `50/s`, `300/min`, `1000/h` or `50/s burst 10`; no limit if not set',
  }),
  pageRateLimit: rateLimit.optional().register(descriptions, {
    variable: 'KITECHAT_PAGE_RATE_LIMIT',
    description: 'how fast the fleet may send for each page, in the same form; no limit if not set',
  }),
  retryAfterMaxMs: wholeNumber(1, MAX_TIMER_MS).default(900_000).register(descriptions, {
    variable: 'KITECHAT_RETRY_AFTER_MAX_MS',
    description: 'the longest hold that a Retry-After can cause',
  }),
  pageParallelism: autoOrWholeNumber(1, 10_000).default('auto').register(descriptions, {
    variable: 'KITECHAT_PAGE_PARALLELISM',
    description: 'the most conversations of one page in progress at once, in the whole fleet; `auto` is a fair share',
  }),
  ttlMs: wholeNumber(1, MAX_DURATION_MS).default(86_400_000).register(descriptions, {
    variable: 'KITECHAT_TTL_MS',
    description: 'the age after which a message is not sent any more but becomes a dead letter',
  }),
  onUnknownOutcome: z.enum(unknownOutcomePolicies).default('resend').register(descriptions, {
    variable: 'KITECHAT_ON_UNKNOWN_OUTCOME',
    description:
      'when nobody can know whether a message arrived: `resend` it, or make it a `dead-letter`, so that it is never sent twice',
  }),
  onDeadLetter: z.enum(deadLetterPolicies).default('continue').register(descriptions, {
    variable: 'KITECHAT_ON_DEAD_LETTER',
    description:
      'what a dead letter means for the later messages of its conversation: `continue` to send them, or `hold` until an operator acts',
  }),
  maxQueued: wholeNumber(1, 1_000_000_000).default(5_000_000).register(descriptions, {
    variable: 'KITECHAT_MAX_QUEUED',
    description: 'the most open messages per shard; above this, storing fails with `QueueFullError`',
  }),
  keepDoneMs: wholeNumber(1_000, MAX_DURATION_MS).default(3_600_000).register(descriptions, {
    variable: 'KITECHAT_KEEP_DONE_MS',
    description: 'how long delivered messages are kept, at most 1,000 per shard',
  }),
  keepDeadMs: wholeNumber(1_000, MAX_DURATION_MS).default(2_592_000_000).register(descriptions, {
    variable: 'KITECHAT_KEEP_DEAD_MS',
    description: 'how long dead letters are kept',
  }),
  encryptionKeysFile: requiredText.optional().register(descriptions, {
    variable: 'KITECHAT_ENCRYPTION_KEYS_FILE',
    description:
      'a file with keys, `{ "<key id>": "<32 bytes in base64>" }`: message content is encrypted in Redis with AES-256-GCM; the first key encrypts, all decrypt; read again when it changes',
  }),
  shutdownMs: wholeNumber(0, MAX_TIMER_MS).default(25_000).register(descriptions, {
    variable: 'KITECHAT_SHUTDOWN_MS',
    description:
      'the longest that a worker may take to stop after SIGTERM; open requests may finish until shortly before',
  }),
  httpHost: listenHost.default('127.0.0.1').register(descriptions, {
    variable: 'KITECHAT_HTTP_HOST',
    description: 'the host where health, metrics and the console are served; a host other than loopback needs a token',
  }),
  httpPort: wholeNumber(0, 65_535).optional().register(descriptions, {
    variable: 'KITECHAT_HTTP_PORT',
    description:
      'the port for health, metrics and the console; 0 picks a free one. Not set: a worker serves none of them, `console` uses 7070',
  }),
  consoleToken: consoleToken.optional().register(descriptions, {
    variable: 'KITECHAT_CONSOLE_TOKEN',
    fromFile: true,
    description:
      'the token for the console and the metrics, at least 16 characters; needed if the host is not loopback',
  }),
  consoleShowContent: flag.default(false).register(descriptions, {
    variable: 'KITECHAT_CONSOLE_SHOW_CONTENT',
    description: 'whether the console shows the content of messages',
  }),
  logLevel: z.enum(logLevels).default('info').register(descriptions, {
    variable: 'LOG_LEVEL',
    description: '`trace`, `debug`, `info`, `warn`, `error`, `fatal` or `silent`; logs are pino JSON',
  }),
  enqueueTimeoutMs: wholeNumber(1, MAX_TIMER_MS).default(5_000).register(descriptions, {
    description: 'the time within which every call of a producer resolves or rejects',
  }),
})
  .refine(({ backoffMs, backoffMaxMs }) => backoffMaxMs >= backoffMs, {
    path: ['backoffMaxMs'],
    error: 'must not be less than the first backoff (KITECHAT_BACKOFF_MS)',
    // Checked even when other settings are wrong, so that all problems are reported at once.
    when: ({ value }) => bothBackoffs.safeParse(value).success,
  })
  .refine(
    ({ shards, serveShards }) => serveShards === ALL_SHARDS || (parseShardList(serveShards)?.at(-1) ?? 0) < shards,
    {
      path: ['serveShards'],
      error: 'names a shard that does not exist: shards have the numbers from 0 to KITECHAT_SHARDS - 1',
      when: ({ value }) => bothShardSettings.safeParse(value).success,
    },
  )
  .refine((config) => !bothKeys.safeParse(config).success, {
    path: ['apiKeyFile'],
    error: 'is set, and so is KITECHAT_API_KEY: keep only one of them',
    when: () => true,
  });

/** A setting with an environment variable. */
export interface Variable {
  key: string;
  name: string;
  /** The variable that names a file with the value; `undefined` if there is none. */
  fileName: string | undefined;
  description: string;
  default: string | number | boolean | undefined;
}

/** All variables, in the order of the documentation. */
export const variables: readonly Variable[] = Object.entries(configSchema.shape).flatMap(([key, schema]) => {
  const { variable: name, fromFile, description } = descriptions.get(schema) ?? {};
  if (name === undefined || description === undefined) return [];
  const fileName = fromFile && `${name}_FILE`;
  return [{ key, name, fileName, description, default: schema.parse(undefined) }];
});
