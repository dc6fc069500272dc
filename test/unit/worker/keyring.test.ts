import { setTimeout as delay } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ResolveApiKey } from '../../../src/worker/api-keys.ts';
import { createKeyring } from '../../../src/worker/keyring.ts';
import { readableLogger } from './log-lines.ts';

const TIMEOUT_MS = 50;

function keyringOf(resolveApiKey: ResolveApiKey) {
  const { logger, lines } = readableLogger();
  return { ...createKeyring(resolveApiKey, TIMEOUT_MS, logger), lines };
}

describe('a keyring', () => {
  it('gives each page the key that is found for it, now or later', async () => {
    const atOnce = keyringOf((pageId) => `key-of-${pageId}`);
    expect(await atOnce.keyFor('p1')).toBe('key-of-p1');
    const later = keyringOf((pageId) => Promise.resolve(`key-of-${pageId}`));
    expect(await later.keyFor('p2')).toBe('key-of-p2');
    expect([...atOnce.lines, ...later.lines]).toEqual([]);
  });

  it('asks again each time: a key may be replaced', async () => {
    let asked = 0;
    const { keyFor } = keyringOf(() => `key-${(asked += 1)}`);
    expect([await keyFor('p1'), await keyFor('p1')]).toEqual(['key-1', 'key-2']);
  });

  it('has no key for a page where there is none, and says nothing of it', async () => {
    const { keyFor, lines } = keyringOf(() => undefined);
    expect(await keyFor('p1')).toBeUndefined();
    expect(lines).toEqual([]);
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
    expect(await keyFor('p7')).toBeUndefined();
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('resolveApiKey');
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ pageId: 'p7' });
    expect(lines.join('')).not.toContain('secret');
  });

  it('still asks a hook that failed before', async () => {
    let isBroken = true;
    const { keyFor } = keyringOf(() => (isBroken ? Promise.reject(new Error('not yet')) : 'key'));
    expect(await keyFor('p1')).toBeUndefined();
    isBroken = false;
    expect(await keyFor('p1')).toBe('key');
  });
});

describe('the name of a key', () => {
  const { circuitOf } = keyringOf(() => undefined);
  const anyKey = fc.string({ minLength: 1, maxLength: 200 });

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
    const inAnotherWorker = keyringOf(() => 'x').circuitOf;
    fc.assert(
      fc.property(anyKey, anyKey, (one, other) => {
        expect(inAnotherWorker(one)).toBe(circuitOf(one));
        expect(circuitOf(one) === circuitOf(other)).toBe(one === other);
      }),
    );
  });
});
