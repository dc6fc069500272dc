import { describe, expect, it } from 'vitest';
import { loadConfig, resolveConfig } from '../../../src/shared/config/config.ts';
import { createWorker } from '../../../src/worker/index.ts';
import { problemsIn, problemsOf } from './config-problems.ts';

describe('the variables of a proxy', () => {
  it('also have their usual names in lower case, which come first', () => {
    const env = {
      https_proxy: 'http://a',
      HTTPS_PROXY: 'http://b',
      http_proxy: 'http://c',
      no_proxy: 'd',
      NO_PROXY: 'e',
    };
    expect(loadConfig(env)).toMatchObject({ httpsProxy: 'http://a', httpProxy: 'http://c', noProxy: 'd' });
    expect(loadConfig({ https_proxy: '', HTTPS_PROXY: 'http://b' })).toMatchObject({ httpsProxy: 'http://b' });
  });

  it.each(['not a URL', 'proxy:3128', 'socks5://a', 'a b', 'http://%zz@a'])('stop only workers: %j', (wrong) => {
    const env = { HTTPS_PROXY: wrong, HTTP_PROXY: wrong, NO_PROXY: wrong };
    expect(problemsIn(env)).toEqual([]);
    for (const door of ['createProducer', 'openDeadLetters'] as const) {
      expect(problemsOf(() => resolveConfig(door, loadConfig(env)))).toEqual([]);
    }
    const options = { ...loadConfig(env), apiKey: 'k', noProxy: undefined };
    expect(problemsOf(() => createWorker(options))).toEqual([expect.stringMatching(/^HTTPS_PROXY: must be the URL/)]);
    const inCode = { apiKey: 'k', httpsProxy: wrong };
    expect(problemsOf(() => createWorker(inCode))).toEqual([
      'httpsProxy: must be the URL of an HTTP proxy, such as http://proxy.internal:3128; or exclude the API with noProxy',
    ]);
    expect(createWorker({ ...inCode, fetch })).toBeDefined();
  });
});

describe('the certificates for the API', () => {
  it('need their key', () => {
    const problem = 'KITECHAT_API_CERT_FILE: goes together with KITECHAT_API_CERT_KEY_FILE: set both or none';
    expect(problemsIn({ KITECHAT_API_CERT_FILE: 'a' })).toEqual([problem]);
    expect(problemsIn({ KITECHAT_API_CERT_KEY_FILE: 'a' })).toEqual([problem]);
  });
});
