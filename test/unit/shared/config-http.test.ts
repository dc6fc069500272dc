import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/shared/config/config.ts';
import { problemsIn } from './config-problems.ts';

describe('the settings of the HTTP server', () => {
  it.each(['127.0.0.1', '0.0.0.0', '::', 'fe80::1%eth0', 'localhost', 'worker-1.internal'])(
    'take the host %s',
    (host) => {
      expect(loadConfig({ KITECHAT_HTTP_HOST: host }).httpHost).toBe(host);
    },
  );

  it.each(['http://localhost', '127.0.0.1, ::1', 'host/path', '[::1]'])('refuse the host %s', (host) => {
    expect(problemsIn({ KITECHAT_HTTP_HOST: host })).toEqual([
      'KITECHAT_HTTP_HOST: must be an address or host name without a port, such as 127.0.0.1, ::1 or 0.0.0.0',
    ]);
  });

  it.each(['65536', '-1', '80a', '8080.5'])('refuse the port %s', (port) => {
    expect(problemsIn({ KITECHAT_HTTP_PORT: port })).toEqual([
      'KITECHAT_HTTP_PORT: must be a whole number from 0 to 65535',
    ]);
  });

  it('show content only for the word true', () => {
    expect(loadConfig({ KITECHAT_CONSOLE_SHOW_CONTENT: 'true' }).consoleShowContent).toBe(true);
    expect(loadConfig({ KITECHAT_CONSOLE_SHOW_CONTENT: 'false' }).consoleShowContent).toBe(false);
    for (const value of ['1', 'yes', 'TRUE', 'on']) {
      expect(problemsIn({ KITECHAT_CONSOLE_SHOW_CONTENT: value })).toEqual([
        'KITECHAT_CONSOLE_SHOW_CONTENT: must be true or false',
      ]);
    }
  });

  it('need a token that nobody guesses, and never quote it', () => {
    const [problem, ...others] = problemsIn({ KITECHAT_CONSOLE_TOKEN: 'fifteen-letters' });
    expect(problem).toMatch(/^KITECHAT_CONSOLE_TOKEN: must be at least 16 characters long/);
    expect(problem).not.toContain('fifteen');
    expect(others).toEqual([]);
    expect(loadConfig({ KITECHAT_CONSOLE_TOKEN: 'sixteen-letters!' }).consoleToken).toBe('sixteen-letters!');
  });

  it('need a token that can stand in a header, and never quote it', () => {
    const [problem, ...others] = problemsIn({ KITECHAT_CONSOLE_TOKEN: 'two words, and more' });
    expect(problem).toMatch(/^KITECHAT_CONSOLE_TOKEN: must consist of visible ASCII characters/);
    expect(problem).not.toContain('two words');
    expect(others).toEqual([]);
  });

  it('take no token that is too long for the form of a login', () => {
    expect(problemsIn({ KITECHAT_CONSOLE_TOKEN: 'x'.repeat(1025) })).toEqual([
      'KITECHAT_CONSOLE_TOKEN: must be at most 1024 characters long',
    ]);
  });

  it('take a file of tokens, but not beside a token that everybody knows', () => {
    expect(loadConfig({ KITECHAT_CONSOLE_TOKENS_FILE: '/tokens' }).consoleTokensFile).toBe('/tokens');
    const both = { KITECHAT_CONSOLE_TOKENS_FILE: '/tokens', KITECHAT_CONSOLE_TOKEN: 'sixteen-letters!' };
    expect(problemsIn(both)).toEqual([
      'KITECHAT_CONSOLE_TOKENS_FILE: is set, and so is KITECHAT_CONSOLE_TOKEN (or its file): keep only one; the file can hold that token, too',
    ]);
  });

  it.each(['10.0.0.5', '10.0.0.5,10.1.0.0/16', ' ::1 , fd00::/8', '0.0.0.0/0'])('take the proxies %s', (text) => {
    expect(loadConfig({ KITECHAT_TRUSTED_PROXIES: text }).trustedProxies).toBe(text.trim());
  });

  it.each([
    'proxy.internal',
    '10.0.0',
    '10.0.0.0/33',
    '::1/129',
    '10.0.0.5;10.0.0.6',
    '10.0.0.0/8/8',
    '10.0.0.0/',
    'all',
  ])('refuse the proxies %s', (text) => {
    expect(problemsIn({ KITECHAT_TRUSTED_PROXIES: text })).toEqual([
      'KITECHAT_TRUSTED_PROXIES: must be addresses or networks, separated by commas, such as 10.0.0.5,10.1.0.0/16,fd00::/8',
    ]);
  });
});
