import type { InstallationOptions, SiteOptions } from './installation-options.ts';
import type { WorkerSettings } from './options.ts';
import type { DeadLetterOptions, ProducerOptions } from './producer-options.ts';

type Names<Options> = Record<keyof Options, true>;

const site: Names<SiteOptions> = {
  redisUrl: true,
  redisCaFile: true,
  redisCertFile: true,
  redisKeyFile: true,
  redisNatMap: true,
  namespace: true,
  shards: true,
};

const installation: Names<InstallationOptions> = {
  ...site,
  encryptionKeysFile: true,
  requireEncryption: true,
  attempts: true,
  keepDeadMs: true,
};

const deadLetters: Names<DeadLetterOptions> = {
  ...installation,
  ttlMs: true,
  maxQueued: true,
  redisFullAt: true,
  enqueueTimeoutMs: true,
};

const producer: Names<ProducerOptions> = { ...deadLetters, ledger: true };

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
  refusalsToHold: true,
  on503: true,
  answers: true,
  keepAliveMs: true,
  apiCaFile: true,
  apiCertFile: true,
  apiCertKeyFile: true,
  httpsProxy: true,
  httpProxy: true,
  noProxy: true,
  retryAfterMaxMs: true,
  pageParallelism: true,
  onUnknownOutcome: true,
  onDeadLetter: true,
  traces: true,
  stateDir: true,
  keepDoneMs: true,
  keepEvents: true,
  keepDone: true,
  shutdownMs: true,
  logLevel: true,
  logDelivered: true,
};

/** The functions that take settings in code, with the names of the settings that each uses. */
export const doors = {
  createProducer: producer,
  openDeadLetters: deadLetters,
  openEvents: site,
  createWorker: worker,
} as const;

export type Door = keyof typeof doors;
