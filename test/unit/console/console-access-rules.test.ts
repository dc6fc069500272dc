import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isLoopbackHeader, isSameOrigin, localPath } from '../../../src/console/http/origin.ts';
import { isLoopbackHost } from '../../../src/shared/config/loopback.ts';
import type { NamedToken } from '../../../src/console/rights/token-list.ts';
import { createVisitors, SESSION_MS } from '../../../src/console/http/visitors.ts';

const anna = (token: string): NamedToken => ({ name: 'anna', token, role: 'operate', pages: new Set(['p1']) });
const tokens = (text: string) => () => [anna(text)];

describe('a loopback name', () => {
  it.each(['127.0.0.1', '127.1.2.3', 'localhost', 'LOCALHOST', '::1', '[::1]', 'a.localhost'])('%s is one', (host) => {
    expect(isLoopbackHost(host)).toBe(true);
  });

  it.each(['0.0.0.0', '::', '10.0.0.1', 'example.com', 'localhost.example.com', '127.0.0.1.nip.io', 'xlocalhost', ''])(
    '%s is none',
    (host) => {
      expect(isLoopbackHost(host)).toBe(false);
      expect(isLoopbackHeader(`${host}:7070`)).toBe(false);
    },
  );

  it('a header may name a port, and must be there', () => {
    expect(isLoopbackHeader('127.0.0.1:7070')).toBe(true);
    expect(isLoopbackHeader('[::1]:7070')).toBe(true);
    expect(isLoopbackHeader(undefined)).toBe(false);
  });
});

describe('a change', () => {
  const host = 'desk.example:7070';

  it.each([
    [{ host, origin: undefined, fetchSite: undefined }, true],
    [{ host, origin: undefined, fetchSite: 'same-origin' }, true],
    [{ host, origin: 'http://desk.example:7070', fetchSite: undefined }, true],
    [{ host: 'Desk.Example:7070', origin: 'http://desk.example:7070', fetchSite: undefined }, true],
    [{ host, origin: 'https://desk.example:7070', fetchSite: 'same-origin' }, true],
    [{ host, origin: 'http://desk.example', fetchSite: undefined }, false],
    [{ host, origin: 'http://desk.example:7070.evil.example', fetchSite: undefined }, false],
    [{ host, origin: 'null', fetchSite: 'same-origin' }, false],
    [{ host, origin: 'http://desk.example:7070', fetchSite: 'cross-site' }, false],
    [{ host, origin: undefined, fetchSite: 'cross-site' }, false],
    [{ host, origin: undefined, fetchSite: 'none' }, false],
    [{ host: undefined, origin: 'http://desk.example:7070', fetchSite: undefined }, false],
  ])('with %j comes from here: %s', (headers, expected) => {
    expect(isSameOrigin(headers)).toBe(expected);
  });
});

it('a path to go on to stays on this site, whatever it is', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.webUrl(),
        fc.string().map((text) => `/${text}`),
      ),
      (path) => {
        const url = new URL(localPath(path), 'http://desk.example');
        expect(url.origin).toBe('http://desk.example');
      },
    ),
  );
  expect(localPath('/pages/a%2Fb?x=1#y')).toBe('/pages/a%2Fb?x=1#y');
  expect(localPath(undefined)).toBe('/');
});

describe('a session', () => {
  it('is known by its cookie until it ends, also by another process with the same token', () => {
    let nowMs = 1_700_000_000_000;
    const [one, other] = [createVisitors(tokens('token'), () => nowMs), createVisitors(tokens('token'), () => nowMs)];
    const { cookie, visitor } = one.admit(anna('token'));
    expect(one.recognize(cookie)).toEqual(visitor);
    expect(other.recognize(cookie)).toEqual(visitor);
    nowMs += SESSION_MS - 1;
    expect(one.recognize(cookie)).toEqual(visitor);
    nowMs += 1;
    expect(one.recognize(cookie)).toBeNull();
  });

  it('of another token, or without one of another process, is unknown', () => {
    const { cookie } = createVisitors(tokens('token')).admit(anna('token'));
    expect(createVisitors(tokens('other')).recognize(cookie)).toBeNull();
    expect(createVisitors(() => null).recognize(createVisitors(() => null).admit(null).cookie)).toBeNull();
  });

  it('ends when its token is changed, removed or given to another name, and has the rights that its token has now', () => {
    let valid: NamedToken[] = [anna('token')];
    const visitors = createVisitors(() => valid);
    const { cookie, visitor } = visitors.admit(anna('token'));
    expect(visitor).toMatchObject({ by: 'anna', role: 'operate', pages: new Set(['p1']) });
    valid = [{ ...anna('token'), role: 'view', pages: null }];
    expect(visitors.recognize(cookie)).toMatchObject({ by: 'anna', role: 'view', pages: null });
    for (const other of [[anna('another')], [{ ...anna('token'), name: 'bert' }], []]) {
      valid = other;
      expect(visitors.recognize(cookie)).toBeNull();
    }
    valid = [anna('token')];
    expect(visitors.recognize(cookie)).toEqual(visitor);
  });

  it('can not be made up by changing a cookie', () => {
    const visitors = createVisitors(tokens('token'));
    const { cookie } = visitors.admit(anna('token'));
    fc.assert(
      fc.property(fc.nat(cookie.length - 1), fc.constantFrom('A', 'b', '0', '9', '.', '-'), (at, letter) => {
        fc.pre(cookie[at] !== letter);
        const changed = cookie.slice(0, at) + letter + cookie.slice(at + 1);
        expect(visitors.recognize(changed)).toBeNull();
      }),
    );
    expect(visitors.recognize('')).toBeNull();
    expect(visitors.recognize(undefined)).toBeNull();
  });

  it('each has a form token of its own, and neither shows the token of the console', () => {
    const visitors = createVisitors(tokens('secret-token'));
    const [one, other] = [visitors.admit(anna('secret-token')), visitors.admit(anna('secret-token'))];
    expect(one.visitor.csrfToken).not.toBe(other.visitor.csrfToken);
    expect(JSON.stringify([one, other])).not.toContain('secret-token');
    expect(visitors.tokenOf('secret-token')?.name).toBe('anna');
    expect(visitors.tokenOf('secret-tokem')).toBeNull();
    expect(visitors.tokenOf('')).toBeNull();
    expect(createVisitors(() => null).tokenOf('')).toBeNull();
  });
});
