import { describe, expect, it } from 'vitest';
import { openDeadLetters } from '../../../src/dead-letters/index.ts';
import { createProducer, type ProducerOptions } from '../../../src/producer/index.ts';
import { loadConfig, resolveConfig } from '../../../src/shared/config/config.ts';
import { createWorker, type WorkerOptions } from '../../../src/worker/index.ts';
import type { Settings } from '../../support/settings.ts';
import { problemsOf } from './config-problems.ts';

describe('settings given in code', () => {
  it('are completed with the defaults', () => {
    const options = { redisUrl: 'redis://h:1', shards: 4, enqueueTimeoutMs: 100, ttlMs: undefined };
    expect(resolveConfig('createProducer', options)).toEqual({
      ...loadConfig({}),
      redisUrl: 'redis://h:1',
      shards: 4,
      enqueueTimeoutMs: 100,
      source: 'code',
    });
  });

  it('are refused under their own names, all at once', () => {
    const options = { shards: 300, backoffMaxMs: 1, serveShards: '0,400', logLevel: 'loud' } as unknown as Settings;
    expect(problemsOf(() => resolveConfig('createWorker', { ...options, shards: 3 }))).toEqual([
      'logLevel: must be one of trace, debug, info, warn, error, fatal, silent',
      'backoffMaxMs: must not be less than the first backoff (backoffMs)',
      'serveShards: names a shard that does not exist: shards have the numbers from 0 to shards - 1',
    ]);
    expect(problemsOf(() => resolveConfig('createWorker', options))[0]).toMatch(/^shards: must be a whole number/);
  });

  it('are refused if nothing knows them', () => {
    const options = { concurency: 5, REDIS_URL: 'redis://h' } as Settings;
    expect(problemsOf(() => resolveConfig('createWorker', options))).toEqual([
      'concurency: is not a documented field, did you mean concurrency?',
      'REDIS_URL: is not a documented field, did you mean redisUrl?',
    ]);
  });

  it('are refused where they would do nothing, with the place where they do something', () => {
    expect(problemsOf(() => createWorker({ apiKey: 'k', ttlMs: 1, httpPort: 7070 } as WorkerOptions))).toEqual([
      'ttlMs: is not an option of createWorker; createProducer and openDeadLetters take it',
      'httpPort: is not an option of createWorker; set KITECHAT_HTTP_PORT for "kitechat-sender worker" or "kitechat-sender console"',
    ]);
    for (const [door, open] of [
      ['createProducer', createProducer],
      ['openDeadLetters', openDeadLetters],
    ] as const) {
      expect(problemsOf(() => open({ concurrency: 5 } as ProducerOptions))).toEqual([
        `concurrency: is not an option of ${door}; createWorker takes it`,
      ]);
    }
  });

  it('may be those of a whole environment: each door takes what it uses', () => {
    const config = loadConfig({ KITECHAT_HTTP_PORT: '7070', KITECHAT_API_KEY: 'k', KITECHAT_TTL_MS: '5' });
    const { httpPort: _httpPort, ttlMs: _ttlMs, ...used } = config;
    expect(resolveConfig('createWorker', config)).toEqual({ ...used, ttlMs: loadConfig({}).ttlMs });
  });

  it('are named as they were written, also by what is found out later', () => {
    expect(problemsOf(() => createWorker({}))).toEqual([
      'apiKey, apiKeyFile and apiKeysFile are all missing: without a key or the hook resolveApiKey nothing can be sent; set one of them',
    ]);
    expect(problemsOf(() => createWorker(loadConfig({})))).toEqual([
      expect.stringMatching(/^KITECHAT_API_KEY, KITECHAT_API_KEY_FILE and KITECHAT_API_KEYS_FILE are all missing/),
    ]);
    const missing = { encryptionKeysFile: '/missing' };
    expect(problemsOf(() => createProducer(missing))).toEqual([expect.stringMatching(/^encryptionKeysFile: /)]);
  });
});
