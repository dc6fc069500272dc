import type { Settings } from '../../support/settings.ts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { variables } from '../../../src/shared/config/variables.ts';
import { type Environment, loadConfig, resolveConfig, unknownVariables } from '../../../src/shared/config/config.ts';
import { problemsIn, problemsOf } from './config-problems.ts';

const defaults = {
  redisUrl: 'redis://127.0.0.1:6379',
  apiUrl: 'https://apiring.antbuddy.com/kitechat/send-message',
  namespace: 'kitechat',
  shards: 1,
  serveShards: 'all',
  concurrency: 50,
  timeoutMs: 10_000,
  attempts: 8,
  backoffMs: 1_000,
  backoffMaxMs: 300_000,
  refusalsToHold: 20,
  on503: 'not-processed',
  answers: 'strict',
  traces: 'link',
  keepAliveMs: 1_000,
  retryAfterMaxMs: 900_000,
  pageParallelism: 'auto',
  ttlMs: 86_400_000,
  onUnknownOutcome: 'resend',
  onDeadLetter: 'continue',
  maxQueued: 5_000_000,
  redisFullAt: 0.85,
  keepDoneMs: 3_600_000,
  keepEvents: 100_000,
  keepDone: 1000,
  keepDeadMs: 2_592_000_000,
  requireEncryption: false,
  shutdownMs: 25_000,
  httpHost: '127.0.0.1',
  consoleShowContent: false,
  logLevel: 'info',
  logDelivered: '1/1',
  enqueueTimeoutMs: 5_000,
  source: 'environment',
};

/** The variable that each problem is about. */
function namesIn(env: Environment): string[] {
  return problemsIn(env).map((problem) => problem.split(':', 1)[0] ?? '');
}

describe('the configuration', () => {
  it('has the documented defaults', () => {
    expect(loadConfig({})).toEqual(defaults);
    expect(resolveConfig('createWorker', {})).toEqual({ ...defaults, source: 'code' });
  });

  it('takes an empty variable for one that is not set', () => {
    const empty = Object.fromEntries(
      variables.flatMap(({ name, fileName = name }) => [
        [name, ''],
        [fileName, ''],
      ]),
    );
    expect(loadConfig(empty)).toEqual(defaults);
  });

  it('has one key for every variable, made of its name', () => {
    for (const { key, name } of variables) {
      if (name === 'KITECHAT_503') continue;
      const words = key.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
      expect([words, `KITECHAT_${words}`]).toContain(name);
    }
  });

  it('reads every variable', () => {
    const env = {
      REDIS_URL: 'rediss://app:p%40ss@redis.example.com:6380/2',
      REDIS_CA_FILE: './redis-ca.pem',
      REDIS_CERT_FILE: './redis-client.pem',
      REDIS_KEY_FILE: './redis-client-key.pem',
      REDIS_NAT_MAP: '10.0.0.1:6379=127.0.0.1:7001,[fe80::1]:6379=[::1]:7002',
      KITECHAT_API_URL: 'http://127.0.0.1:8080/send?x=1',
      KITECHAT_API_KEY_FILE: '/run/secrets/key',
      KITECHAT_API_KEYS_FILE: './keys of pages.json',
      KITECHAT_NAMESPACE: '7.b_c-d',
      KITECHAT_SHARDS: '256',
      KITECHAT_SERVE_SHARDS: '0, 2,255',
      KITECHAT_CONCURRENCY: '1',
      KITECHAT_TIMEOUT_MS: '100',
      KITECHAT_ATTEMPTS: ' 3 ',
      KITECHAT_BACKOFF_MS: '10',
      KITECHAT_BACKOFF_MAX_MS: '10',
      KITECHAT_RATE_LIMIT: ' 50 / s  burst 010 ',
      KITECHAT_PAGE_RATE_LIMIT: '0.50/min burst 1',
      KITECHAT_REFUSALS_TO_HOLD: '0',
      KITECHAT_503: 'unknown',
      KITECHAT_ANSWERS: 'any-2xx',
      KITECHAT_HOOKS_FILE: './hooks.js',
      KITECHAT_TRACES: 'child',
      KITECHAT_STATE_DIR: './state',
      KITECHAT_KEEP_ALIVE_MS: '0',
      KITECHAT_API_CA_FILE: './ca.pem',
      KITECHAT_API_CERT_FILE: './client.pem',
      KITECHAT_API_CERT_KEY_FILE: './client-key.pem',
      HTTPS_PROXY: 'http://me:p%40ss@proxy.internal:3128',
      HTTP_PROXY: 'http://proxy.internal',
      NO_PROXY: 'localhost, .example.com',
      KITECHAT_RETRY_AFTER_MAX_MS: '2147483647',
      KITECHAT_PAGE_PARALLELISM: '4',
      KITECHAT_TTL_MS: '1',
      KITECHAT_ON_UNKNOWN_OUTCOME: 'dead-letter',
      KITECHAT_ON_DEAD_LETTER: 'hold',
      KITECHAT_MAX_QUEUED: '10',
      KITECHAT_REDIS_FULL_AT: '0.5',
      KITECHAT_KEEP_DONE_MS: '1000',
      KITECHAT_KEEP_DONE: '0',
      KITECHAT_KEEP_EVENTS: '200',
      KITECHAT_KEEP_DEAD_MS: '5000000000',
      KITECHAT_LEDGER: 'postgres://user:password@db:5432/app',
      KITECHAT_ENCRYPTION_KEYS_FILE: './encryption keys.json',
      KITECHAT_REQUIRE_ENCRYPTION: 'true',
      KITECHAT_SHUTDOWN_MS: '0',
      KITECHAT_HEARTBEAT_FILE: '/dev/shm/alive',
      KITECHAT_HTTP_HOST: '::1',
      KITECHAT_HTTP_PORT: '65535',
      KITECHAT_CONSOLE_TOKEN: 'open~sesame!-please',
      KITECHAT_CONSOLE_SHOW_CONTENT: 'true',
      KITECHAT_TRUSTED_PROXIES: '10.0.0.5, fd00::/8',
      LOG_LEVEL: 'silent',
      KITECHAT_LOG_DELIVERED: '1/100',
    };
    const names = variables.map(({ name }) => name);
    // Each of these goes without another one of the above.
    const alone = new Set(['KITECHAT_API_KEY', 'KITECHAT_CONSOLE_TOKENS_FILE']);
    expect(Object.keys(env)).toEqual(names.filter((name) => !alone.has(name)));
    const consoleTokensFile = './tokens.json';
    expect(loadConfig({ KITECHAT_CONSOLE_TOKENS_FILE: consoleTokensFile })).toEqual({ ...defaults, consoleTokensFile });
    expect(loadConfig({ KITECHAT_API_KEY: 'abc-123_~!' })).toEqual({ ...defaults, apiKey: 'abc-123_~!' });
    expect(loadConfig(env)).toEqual({
      redisUrl: 'rediss://app:p%40ss@redis.example.com:6380/2',
      redisCaFile: './redis-ca.pem',
      redisCertFile: './redis-client.pem',
      redisKeyFile: './redis-client-key.pem',
      redisNatMap: '10.0.0.1:6379=127.0.0.1:7001,[fe80::1]:6379=[::1]:7002',
      apiUrl: 'http://127.0.0.1:8080/send?x=1',
      apiKeyFile: '/run/secrets/key',
      apiKeysFile: './keys of pages.json',
      namespace: '7.b_c-d',
      shards: 256,
      serveShards: '0, 2,255',
      concurrency: 1,
      timeoutMs: 100,
      attempts: 3,
      backoffMs: 10,
      backoffMaxMs: 10,
      rateLimit: '50/s burst 10',
      pageRateLimit: '0.5/min',
      refusalsToHold: 0,
      on503: 'unknown',
      answers: 'any-2xx',
      hooksFile: './hooks.js',
      traces: 'child',
      stateDir: './state',
      keepAliveMs: 0,
      apiCaFile: './ca.pem',
      apiCertFile: './client.pem',
      apiCertKeyFile: './client-key.pem',
      httpsProxy: 'http://me:p%40ss@proxy.internal:3128',
      httpProxy: 'http://proxy.internal',
      noProxy: 'localhost, .example.com',
      retryAfterMaxMs: 2_147_483_647,
      pageParallelism: 4,
      ttlMs: 1,
      onUnknownOutcome: 'dead-letter',
      onDeadLetter: 'hold',
      maxQueued: 10,
      redisFullAt: 0.5,
      keepDoneMs: 1_000,
      keepEvents: 200,
      keepDone: 0,
      keepDeadMs: 5_000_000_000,
      ledger: 'postgres://user:password@db:5432/app',
      encryptionKeysFile: './encryption keys.json',
      requireEncryption: true,
      shutdownMs: 0,
      heartbeatFile: '/dev/shm/alive',
      httpHost: '::1',
      httpPort: 65_535,
      consoleToken: 'open~sesame!-please',
      consoleShowContent: true,
      trustedProxies: '10.0.0.5, fd00::/8',
      logLevel: 'silent',
      logDelivered: '1/100',
      enqueueTimeoutMs: 5_000,
      source: 'environment',
    });
  });

  it.each([
    ['REDIS_NAT_MAP', ['10.0.0.1=b:2', 'a:1=b:2=c:3', 'a:1', 'a:1=b:x', 'a:1=b:65536', 'redis://a:1=b:2', ',']],
    ['KITECHAT_SHARDS', ['0', '257', '1.5', '1e2', '0x10', '-1', 'one', 'NaN', '5 000']],
    ['KITECHAT_TIMEOUT_MS', ['99', '600001', '10s']],
    ['KITECHAT_RATE_LIMIT', ['50', '0/s', '50/sec', '50/s burst 0', '50/s, 300/min', 'none']],
    ['KITECHAT_PAGE_RATE_LIMIT', ['-1/s', '100001/s']],
    ['KITECHAT_REFUSALS_TO_HOLD', ['-1', '101', 'never']],
    ['KITECHAT_503', ['held', 'Unknown']],
    ['KITECHAT_ANSWERS', ['any', 'Strict']],
    ['KITECHAT_TRACES', ['links', 'Child', 'off']],
    ['KITECHAT_KEEP_ALIVE_MS', ['-1', '600001', '1s']],
    ['KITECHAT_KEEP_DONE', ['-1', '100001', '1e3']],
    ['KITECHAT_RETRY_AFTER_MAX_MS', ['0', '2147483648']],
    ['KITECHAT_PAGE_PARALLELISM', ['0', 'Auto', 'all']],
    ['KITECHAT_TTL_MS', ['0', '9007199254740993', '99999999999999999999']],
    ['KITECHAT_ON_UNKNOWN_OUTCOME', ['hold', 'Resend']],
    ['KITECHAT_NAMESPACE', ['a b', 'a:b', '{a}', 'ä', 'n'.repeat(65)]],
    [
      'KITECHAT_API_URL',
      ['example.com', 'ftp://example.com', 'https://user:pw@example.com', 'https://key@example.com'],
    ],
    ['KITECHAT_API_KEY', ['two words', 'li\nne', 'ключ', 'clé', 'k'.repeat(4097)]],
    ['LOG_LEVEL', ['loud', 'INFO']],
    ['KITECHAT_LOG_DELIVERED', ['1', '2/3', '1/0', '0/100', '1%', '1/1000000', '1 / 100']],
  ])('refuses a wrong %s', (name, values) => {
    for (const value of values) expect([value, namesIn({ [name]: value })]).toEqual([value, [name]]);
  });

  it('refuses a longest backoff that is less than the first one', () => {
    expect(namesIn({ KITECHAT_BACKOFF_MS: '5000', KITECHAT_BACKOFF_MAX_MS: '4999' })).toEqual([
      'KITECHAT_BACKOFF_MAX_MS',
    ]);
    expect(namesIn({ KITECHAT_BACKOFF_MS: '300001' })).toEqual(['KITECHAT_BACKOFF_MAX_MS']);
  });

  it('reports all problems at once, in one error', () => {
    const env = {
      REDIS_URL_FILE: '/missing',
      KITECHAT_SHARDS: 'many',
      KITECHAT_BACKOFF_MS: '5000',
      KITECHAT_BACKOFF_MAX_MS: '10',
      LOG_LEVEL: 'loud',
    };
    expect(namesIn(env).toSorted()).toEqual(
      Object.keys(env)
        .filter((name) => name !== 'KITECHAT_BACKOFF_MS')
        .toSorted(),
    );
    expect(() => loadConfig(env)).toThrow(/KITECHAT_SHARDS: must be a whole number from 1 to 256[^]*LOG_LEVEL/);
  });

  it('reports exactly the variables that are wrong, whichever they are', () => {
    // Any text can be a path, which is not looked at here, and proxies concern only workers.
    const names = variables
      .map(({ name }) => name)
      .filter((name) => !/BACKOFF|_FILE$|_DIR$|_LEDGER$|_PROXY$/.test(name));
    fc.assert(
      fc.property(fc.subarray(names), (wrong) => {
        const backoffs = { KITECHAT_BACKOFF_MS: '5000', KITECHAT_BACKOFF_MAX_MS: '10' };
        const env = { ...backoffs, ...Object.fromEntries(wrong.map((name) => [name, 'not at all right'])) };
        expect(namesIn(env).toSorted()).toEqual([...wrong, 'KITECHAT_BACKOFF_MAX_MS'].toSorted());
      }),
    );
  });
});

describe('secrets', () => {
  it('are in no problem, whichever variable they were put into by mistake', () => {
    const secret = fc.stringMatching(/^[A-Za-z0-9+/=]{10,40}$/).map((text) => `Kx9${text}`);
    const names = variables.flatMap(({ name, fileName }) => (fileName === undefined ? [name] : [name, fileName]));
    const shapes = [
      (text: string) => text,
      (text: string) => `${text}\n`,
      (text: string) => `ключ ${text}`,
      (text: string) => `redis://:${text}@host:port`,
      (text: string) => `redis://:${text}@a:1,redis://:${text}@b:2`,
      (text: string) => `https://${text}:${text}@host/`,
    ];
    fc.assert(
      fc.property(secret, fc.subarray(names, { minLength: 1 }), fc.constantFrom(...shapes), (text, set, shape) => {
        const env = Object.fromEntries(set.map((name) => [name, shape(text)]));
        expect([...problemsIn(env), ...unknownVariables(env)].join('\n')).not.toContain(text);
        expect([...problemsIn(env, { [shape(text)]: `${text} ${text}` })].join('\n')).not.toContain(text);
        const options = Object.fromEntries(variables.map(({ key }) => [key, shape(text)])) as Settings;
        for (const door of ['createProducer', 'createWorker'] as const) {
          expect(problemsOf(() => resolveConfig(door, options)).join('\n')).not.toContain(text);
        }
      }),
    );
  });
});
