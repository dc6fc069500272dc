import { setTimeout as delay } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ResolveApiKey } from '../../../src/worker/keys/api-keys.ts';
import { createKeyring, type Key, type Keyring } from '../../../src/worker/keys/keyring.ts';
import { readableLogger } from './log-lines.ts';

const TIMEOUT_MS = 50;

function keyringOf(resolveApiKey: ResolveApiKey) {
  const { logger, lines } = readableLogger();
  return { ...createKeyring(resolveApiKey, TIMEOUT_MS, logger), lines };
}

/** The key that is found at once. */
function keyAtOnce({ keyFor }: Keyring, pageId = 'p1'): Key {
  const key = keyFor(pageId);
  if (key instanceof Promise) throw new Error('the key comes later');
  return key;
}

function apiKeyOf(key: Key): string | null {
  return 'apiKey' in key ? key.apiKey : null;
}

describe('a keyring', () => {
  it('gives each page the key that is found for it, at once', () => {
    const keyring = keyringOf((pageId) => `key-of-${pageId}`);
    expect(['p1', 'p2'].map((pageId) => apiKeyOf(keyAtOnce(keyring, pageId)))).toEqual(['key-of-p1', 'key-of-p2']);
    expect(keyring.lines).toEqual([]);
  });

  it('gives each page the key that is found for it later', async () => {
    const { keyFor, lines } = keyringOf((pageId) => Promise.resolve(`key-of-${pageId}`));
    expect(keyFor('p1')).toBeInstanceOf(Promise);
    expect(apiKeyOf(await keyFor('p1'))).toBe('key-of-p1');
    expect(lines).toEqual([]);
  });

  it('asks again each time: a key may be replaced', () => {
    let asked = 0;
    const keyring = keyringOf(() => `key-${(asked += 1)}`);
    expect([keyAtOnce(keyring), keyAtOnce(keyring)].map(apiKeyOf)).toEqual(['key-1', 'key-2']);
  });

  it.each<[string, ResolveApiKey]>([
    ['at once', () => 'the-key'],
    ['later', () => Promise.resolve('the-key')],
  ])('judges a key once that is found again and again %s, for whatever page', async (_when, hook) => {
    const { keyFor } = keyringOf(hook);
    const first = await keyFor('p1');
    expect(await keyFor('p1')).toBe(first);
    expect(await keyFor('p2')).toBe(first);
  });

  it('forgets its judgements before there are too many, and names each key the same again', () => {
    const keyring = keyringOf((pageId) => `key-of-${pageId}`);
    const first = keyAtOnce(keyring, 'p0');
    for (let n = 1; n <= 1000; n += 1) keyAtOnce(keyring, `p${n}`);
    expect(keyAtOnce(keyring, 'p0')).not.toBe(first);
    expect(keyAtOnce(keyring, 'p0')).toEqual(first);
  });

  it('has no key for a page where there is none, and says nothing of it', () => {
    const keyring = keyringOf(() => undefined);
    expect(keyAtOnce(keyring)).toEqual({ unusable: expect.stringContaining('no API key') as unknown });
    expect(keyring.lines).toEqual([]);
  });

  it.each(['', 'key\n', 'a key', 'ключ', 'k'.repeat(4097)])('can use no key that no header can hold: %j', (apiKey) => {
    const key = keyAtOnce(keyringOf(() => apiKey));
    expect(key).toEqual({ unusable: expect.stringContaining('visible ASCII') as unknown });
    if (apiKey !== '') expect(JSON.stringify(key)).not.toContain(apiKey);
  });

  it.each<[string, ResolveApiKey]>([
    [
      'throws',
      () => {
        throw new Error('vault: secret-token refused');
      },
    ],
    ['rejects', () => Promise.reject(new Error('vault: secret-token refused'))],
    ['never answers', () => new Promise(() => {})],
    ['answers too late', () => delay(20 * TIMEOUT_MS, 'secret-key', { ref: false })],
  ])('has no key where the hook %s, and logs the page but no secret', async (_what, hook) => {
    const { keyFor, lines } = keyringOf(hook);
    expect(await keyFor('p7')).toHaveProperty('unusable');
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('resolveApiKey');
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ pageId: 'p7' });
    expect(lines.join('')).not.toContain('secret');
  });

  it('still asks a hook that failed before', async () => {
    let isBroken = true;
    const { keyFor } = keyringOf(() => (isBroken ? Promise.reject(new Error('not yet')) : 'key'));
    expect(await keyFor('p1')).toHaveProperty('unusable');
    isBroken = false;
    expect(await keyFor('p1')).toHaveProperty('apiKey', 'key');
  });
});

describe('the name of a key', () => {
  /** The key is asked for by a page of the same name. */
  function circuitsOf(keyring: Keyring): (apiKey: string) => string {
    return (apiKey) => {
      const key = keyAtOnce(keyring, apiKey);
      return 'circuit' in key ? key.circuit : '';
    };
  }
  const circuitOf = circuitsOf(keyringOf((pageId) => pageId));
  const anyKey = fc.stringMatching(/^[!-~]{1,200}$/);

  it('is short, plain text that says nothing of the key', () => {
    fc.assert(
      fc.property(anyKey, (apiKey) => {
        const name = circuitOf(apiKey);
        expect(name).toMatch(/^key:[\w-]{16}$/);
        if (apiKey.length >= 6) expect(name).not.toContain(apiKey);
      }),
    );
  });

  it('has nothing of a long key in it, not even a part', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[\w-]{32}$/), (apiKey) => {
        const name = circuitOf(apiKey).slice('key:'.length);
        for (let start = 0; start + 6 <= apiKey.length; start += 1) {
          expect(name).not.toContain(apiKey.slice(start, start + 6));
        }
      }),
    );
  });

  it('is the same in every worker, and another one for another key', () => {
    const inAnotherWorker = circuitsOf(keyringOf((pageId) => pageId));
    fc.assert(
      fc.property(anyKey, anyKey, (one, other) => {
        expect(inAnotherWorker(one)).toBe(circuitOf(one));
        expect(circuitOf(one) === circuitOf(other)).toBe(one === other);
      }),
    );
  });
});
