import { describe, expect, it } from 'vitest';
import { createClientOf } from '../../../src/console/http/clients.ts';

interface Asked {
  trusted?: string;
  remote?: string;
  forwarded?: string;
}

function clientOf({ trusted, remote, forwarded }: Asked): string {
  const headers = forwarded === undefined ? {} : { 'x-forwarded-for': forwarded };
  const request = { headers, socket: { remoteAddress: remote } };
  return createClientOf(trusted)(request as Parameters<ReturnType<typeof createClientOf>>[0]);
}

describe('a client of the console', () => {
  it.each<[string, Asked, string]>([
    ['no proxy is trusted', { remote: '10.0.0.5', forwarded: '192.0.2.1' }, '10.0.0.5'],
    [
      'it comes from elsewhere than the proxies',
      { trusted: '10.0.0.0/8', remote: '192.0.2.9', forwarded: '192.0.2.1' },
      '192.0.2.9',
    ],
    ['a proxy names it', { trusted: '10.0.0.0/8', remote: '10.0.0.5', forwarded: '192.0.2.1' }, '192.0.2.1'],
    [
      'a proxy of IPv4 is on a socket of both versions',
      { trusted: '10.0.0.0/8', remote: '::ffff:10.0.0.5', forwarded: '192.0.2.1' },
      '192.0.2.1',
    ],
    [
      'two proxies name it',
      { trusted: '10.0.0.5,10.0.0.6', remote: '10.0.0.5', forwarded: '192.0.2.1, 10.0.0.6' },
      '192.0.2.1',
    ],
    [
      'it has written addresses itself',
      { trusted: '10.0.0.5', remote: '10.0.0.5', forwarded: '198.51.100.7, 192.0.2.1' },
      '192.0.2.1',
    ],
    ['a proxy adds its port', { trusted: '10.0.0.5', remote: '10.0.0.5', forwarded: '192.0.2.1:4711' }, '192.0.2.1'],
    ['a proxy names none', { trusted: '10.0.0.5', remote: '10.0.0.5' }, '10.0.0.5'],
    [
      'what a proxy names is no address',
      { trusted: '10.0.0.5', remote: '10.0.0.5', forwarded: '192.0.2.1, unknown' },
      '10.0.0.5',
    ],
    ['the connection is gone', { trusted: '10.0.0.5', forwarded: '192.0.2.1' }, 'unknown'],
    ['all addresses of its network are one client', { remote: '2001:db8:0:7::1' }, '2001:db8:0:7'],
    ['the same network is written otherwise', { remote: '2001:0db8::7:a:b:c:d' }, '2001:db8:0:7'],
    [
      'a proxy names an address in brackets',
      { trusted: '::1', remote: '::1', forwarded: '[2001:db8::1]:443' },
      '2001:db8:0:0',
    ],
    ['it is this machine', { remote: '::1' }, '0:0:0:0'],
  ])('if %s', (_why, asked, expected) => {
    expect(clientOf(asked)).toBe(expected);
  });
});
