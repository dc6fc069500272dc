import { describe, expect, it } from 'vitest';
import { loadConfig, resolveConfig } from '../../../src/shared/config/config.ts';
import { problemsIn, problemsOf } from './config-problems.ts';

describe('the files with keys', () => {
  it('are left to the workers: their paths are settings, and whoever needs no key reads none', () => {
    const env = { KITECHAT_API_KEY_FILE: '/missing', KITECHAT_API_KEYS_FILE: '/missing as well' };
    expect(loadConfig(env)).toEqual({ ...loadConfig({}), apiKeyFile: '/missing', apiKeysFile: '/missing as well' });
  });

  it('can stand beside one key for the other pages, but that key comes from one place', () => {
    expect(problemsIn({ KITECHAT_API_KEY: 'abc', KITECHAT_API_KEYS_FILE: '/run/keys' })).toEqual([]);
    const twice = 'is set, and so is KITECHAT_API_KEY: keep only one of them';
    const env = { KITECHAT_API_KEY: 'abc', KITECHAT_API_KEY_FILE: '/run/key', KITECHAT_SHARDS: '0' };
    expect(problemsIn(env)).toEqual([
      'KITECHAT_SHARDS: must be a whole number from 1 to 256',
      `KITECHAT_API_KEY_FILE: ${twice}`,
    ]);
    expect(problemsOf(() => resolveConfig('createWorker', { apiKey: 'abc', apiKeyFile: '/run/key' }))).toEqual([
      'apiKeyFile: is set, and so is apiKey: keep only one of them',
    ]);
  });
});

describe('a rate limit', () => {
  it('that is none is told the forms that are right', () => {
    const rule = /must look like 50\/s, 300\/min, 1000\/h or 50\/s burst 10: at most 100000\/s, at least one a day/;
    expect(problemsIn({ KITECHAT_RATE_LIMIT: 'fast' })).toEqual([expect.stringMatching(rule)]);
    expect(problemsOf(() => resolveConfig('createWorker', { pageRateLimit: '5' }))).toEqual([
      expect.stringMatching(rule),
    ]);
  });

  it('has one text, however it is written, in code too', () => {
    expect(resolveConfig('createWorker', { rateLimit: '5 / s burst 1', pageRateLimit: '5/s' })).toEqual({
      ...resolveConfig('createWorker', {}),
      rateLimit: '5/s',
      pageRateLimit: '5/s',
    });
  });
});
