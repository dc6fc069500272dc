import fc from 'fast-check';
import { type Dispatcher, EnvHttpProxyAgent } from 'undici';
import { describe, expect, it } from 'vitest';
import { isWithoutProxy } from '../../../src/worker/http/no-proxy.ts';
import { proxyFor, type ProxySettings } from '../../../src/worker/http/proxy.ts';

const https = 'https://api.example.com/send';
const http = 'http://api.example.com/send';
const one = 'http://one.internal:3128';
const other = 'http://other.internal:8080';

/** Whether undici goes to a URL without a proxy: only then does its agent get our connector. */
function undiciGoesDirectly(url: URL, noProxy: string): boolean {
  let isDirect = false;
  const connect = (): void => {};
  const factory = (_origin: unknown, options: { connect?: unknown }): Dispatcher => {
    isDirect = options.connect === connect;
    throw new Error('looked');
  };
  const agent = new EnvHttpProxyAgent({ httpProxy: one, httpsProxy: one, noProxy, connect, factory });
  const handler: Dispatcher.DispatchHandler = {};
  expect(() => agent.dispatch({ origin: url.origin, path: '/', method: 'GET' }, handler)).toThrow('looked');
  return isDirect;
}

describe('the proxy for the API', () => {
  it.each<[string, ProxySettings, string | null]>([
    ['none', { apiUrl: https }, null],
    ['empty', { apiUrl: https, httpsProxy: '', httpProxy: '' }, null],
    ['that for https', { apiUrl: https, httpsProxy: one, httpProxy: other }, one],
    ['that for http', { apiUrl: http, httpsProxy: one, httpProxy: other }, other],
    ['that for http, where https has none', { apiUrl: https, httpProxy: other }, other],
    ['none, where only https has one', { apiUrl: http, httpsProxy: one }, null],
    ['none for a host that is left out', { apiUrl: https, httpsProxy: one, noProxy: 'example.com' }, null],
    ['none for all hosts', { apiUrl: https, httpsProxy: one, noProxy: '*' }, null],
    ['that for https, if another host is left out', { apiUrl: https, httpsProxy: one, noProxy: 'localhost' }, one],
  ])('is %s', (_what, settings, origin) => {
    expect(proxyFor(settings)?.origin ?? null).toBe(origin);
  });

  it.each([
    'proxy.internal',
    'proxy.internal:3128',
    'socks5://a:1',
    'ftp://a',
    'http://',
    'http://%zz:p@a',
    '://secret',
  ])('can not be %s, and the problem does not quote it', (url) => {
    const problem =
      'HTTPS_PROXY: must be the URL of an HTTP proxy, such as http://proxy.internal:3128; or exclude the API with NO_PROXY';
    expect(() => proxyFor({ apiUrl: https, httpsProxy: url })).toThrow(
      expect.objectContaining({ code: 'INVALID_CONFIG', problems: [problem] }),
    );
    expect(() => proxyFor({ apiUrl: http, httpProxy: url })).toThrow(/HTTP_PROXY: must be/);
    expect(proxyFor({ apiUrl: http, httpsProxy: url })).toBeNull();
    expect(proxyFor({ apiUrl: https, httpsProxy: url, noProxy: '*' })).toBeNull();
  });
});

describe('NO_PROXY', () => {
  it.each([
    ['api.example.com', true],
    ['API.Example.COM', true],
    ['api.example.com.', true],
    ['example.com', true],
    ['.example.com', true],
    ['*.example.com', true],
    ['*.api.example.com', false],
    ['ample.com', false],
    ['api.example.com:443', true],
    ['api.example.com:8443', false],
    ['localhost, example.com', true],
    ['localhost\texample.com', true],
    ['*:443', true],
    ['*:80', false],
    ['', false],
    [' , ', false],
  ])('%j leaves out an API at api.example.com: %j', (noProxy, isLeftOut) => {
    expect(isWithoutProxy(new URL(https), noProxy)).toBe(isLeftOut);
    expect(undiciGoesDirectly(new URL(https), noProxy)).toBe(isLeftOut);
  });

  it('means what it means to undici', () => {
    const host = fc.constantFrom('localhost', 'a.b', 'x.a.b', 'a.b.', 'b', '127.0.0.1', '[::1]', '[fe80::2]', 'A.B');
    const port = fc.constantFrom('', ':80', ':443', ':8080', ':0');
    const entry = fc.tuple(
      fc.constantFrom('', '.', '*', '*.', '..'),
      fc.oneof(host, fc.constantFrom('::1', 'fe80::2', '', '*')),
      port,
    );
    const list = fc
      .array(
        entry.map((parts) => parts.join('')),
        { maxLength: 4 },
      )
      .chain((entries) => fc.constantFrom(',', ' ', ', ', '\n').map((separator) => entries.join(separator)));
    fc.assert(
      fc.property(fc.constantFrom('http', 'https'), host, port, list, (protocol, name, at, noProxy) => {
        const url = new URL(`${protocol}://${name}${at === ':0' ? '' : at}`);
        expect(isWithoutProxy(url, noProxy)).toBe(undiciGoesDirectly(url, noProxy));
      }),
      { numRuns: 2000 },
    );
  });
});
