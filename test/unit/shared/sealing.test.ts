import { rmSync } from 'node:fs';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Belonging, NO_KEYS, openSealing, type Sealing } from '../../../src/shared/sealing/sealing.ts';
import { eventually } from '../../support/eventually.ts';
import { encryptionKey, encryptionKeys, newKeysFile } from '../../support/encryption-keys.ts';

const OF: Belonging = ['message', '0-01ARZ3NDEKTSV4RRFFQ69G5FAV', 'p1', 'c1'];

function sealingWith(...names: string[]): Sealing {
  return openSealing({ encryptionKeysFile: newKeysFile(encryptionKeys(...names)).path });
}

function sealed(sealing: Sealing, text: string, belonging = OF): string {
  const result = sealing.seal(text, belonging);
  if (result === null) throw new Error('there was no key');
  return result;
}

describe('what is sealed', () => {
  it('opens as it was, and never looks the same twice', () => {
    const sealing = sealingWith('k1');
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const one = sealed(sealing, text);
        expect(sealing.open(one, OF)).toEqual({ text });
        expect(sealed(sealing, text)).not.toBe(one);
      }),
    );
  });

  it('shows nothing but the name of its key and its length', () => {
    const sealing = sealingWith('2026-11');
    const text = 'Dear customer, your code is 1234';
    expect(sealed(sealing, text)).toMatch(/^2026-11\.[\w-]+$/);
    expect(Buffer.from(sealed(sealing, text).slice('2026-11.'.length), 'base64url')).toHaveLength(
      12 + text.length + 16,
    );
  });

  it('does not open once any character of it was changed, left out or added', () => {
    const sealing = sealingWith('k1');
    // Its last character stands for two bits only: others would decode to the same bytes.
    const whole = sealed(sealing, 'Hello!');
    const character = fc.constantFrom(...Array.from('ABCZabcz0189-_.=+/ é'));
    fc.assert(
      fc.property(fc.nat(whole.length - 1), character, fc.constantFrom(0, 1), (at, other, kept) => {
        const changed = whole.slice(0, at) + other + whole.slice(at + 1 - kept);
        fc.pre(changed !== whole);
        expect(sealing.open(changed, OF)).toHaveProperty('problem');
      }),
      { numRuns: 500 },
    );
    for (const last of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_') {
      if (!whole.endsWith(last)) expect(sealing.open(whole.slice(0, -1) + last, OF)).toHaveProperty('problem');
    }
    for (let end = 0; end < whole.length; end += 1) {
      expect(sealing.open(whole.slice(0, end), OF)).toHaveProperty('problem');
    }
  });

  it('opens only as what it is, of the message that it belongs to, in its conversation', () => {
    const sealing = sealingWith('k1');
    const whole = sealed(sealing, 'Hello');
    const others: Belonging[] = [
      ['response', '0-01ARZ3NDEKTSV4RRFFQ69G5FAV', 'p1', 'c1'],
      ['message', '0-01ARZ3NDEKTSV4RRFFQ69G5FAW', 'p1', 'c1'],
      ['message', '0-01ARZ3NDEKTSV4RRFFQ69G5FAV', 'p2', 'c1'],
      ['message', '0-01ARZ3NDEKTSV4RRFFQ69G5FAV', 'p1', 'c2'],
      ['message', '0-01ARZ3NDEKTSV4RRFFQ69G5FAV', 'p1c1'],
    ];
    for (const belonging of others) {
      expect(sealing.open(whole, belonging)).toEqual({
        problem: expect.stringMatching(/be decrypted with the key k1/) as string,
      });
    }
  });

  it('does not open with another key of the same name', () => {
    const file = newKeysFile(`{"k1":"${encryptionKey('other')}"}`);
    const opened = openSealing({ encryptionKeysFile: file.path }).open(sealed(sealingWith('k1'), 'Hello'), OF);
    expect(opened).toEqual({ problem: expect.stringMatching(/another key with that id/) as string });
  });

  it('without its key says which one is missing', () => {
    const whole = sealed(sealingWith('k1'), 'Hello');
    expect(sealingWith('k2').open(whole, OF)).toEqual({
      problem: 'its content is encrypted with the key k1, which is not in KITECHAT_ENCRYPTION_KEYS_FILE',
      missingKey: 'k1',
    });
    expect(NO_KEYS.open(whole, OF)).toEqual({
      problem: 'its content is encrypted with the key k1, but KITECHAT_ENCRYPTION_KEYS_FILE is not set',
      missingKey: 'k1',
    });
  });

  it.each(['', '.', 'k1', 'k1.', '.aaaa', `${'k'.repeat(65)}.aaaa`, 'k1\u001b[31m.aaaa', 'k1.aa aa', 'Hello'])(
    'is not %j, whose words come into no problem',
    (text) => {
      expect(sealingWith('k1').open(text, OF)).toEqual({
        problem: 'its content is not in our encrypted format',
      });
    },
  );
});

describe('keys', () => {
  it('of the file all open, and the first one seals', () => {
    const [one, two] = [sealingWith('k1'), sealingWith('k2')];
    const both = sealingWith('k2', 'k1');
    expect(both.open(sealed(one, 'old'), OF)).toEqual({ text: 'old' });
    expect(both.open(sealed(two, 'new'), OF)).toEqual({ text: 'new' });
    expect(sealed(both, 'x')).toMatch(/^k2\./);
  });

  it('that are new are there at once for what was sealed with them', () => {
    const file = newKeysFile(encryptionKeys('k1'));
    const sealing = openSealing({ encryptionKeysFile: file.path });
    const early = sealed(sealingWith('k2'), 'early');
    expect(sealing.open(early, OF)).toHaveProperty('problem');
    file.replace(encryptionKeys('k1', 'k2'));
    expect(sealing.open(early, OF)).toEqual({ text: 'early' });
    expect(sealed(sealing, 'x')).toMatch(/^k1\./);
  });

  it('that are first in a changed file soon seal, and whoever wants to is told of it', async () => {
    const file = newKeysFile(encryptionKeys('k1'));
    const changes: unknown[] = [];
    const sealing = openSealing({ encryptionKeysFile: file.path }, (contents) => changes.push(contents));
    file.replace(encryptionKeys('k2', 'k1'));
    await eventually('the new key seals', () => sealed(sealing, 'x').startsWith('k2.'));
    expect(changes).toEqual([
      { value: expect.objectContaining({ first: expect.objectContaining({ id: 'k2' }) as object }) as object },
    ]);
  });

  it('of the file before stay in use when a changed one is broken, or gone', async () => {
    const file = newKeysFile(encryptionKeys('k1'));
    const changes: unknown[] = [];
    const sealing = openSealing({ encryptionKeysFile: file.path }, (contents) => changes.push(contents));
    const whole = sealed(sealing, 'Hello');
    file.replace('{"k1":');
    await eventually('the broken file was seen', () => sealed(sealing, 'x') !== '' && changes.length === 1);
    rmSync(file.path);
    await eventually('the missing file was seen', () => sealed(sealing, 'x') !== '' && changes.length === 2);
    expect(changes).toEqual([{ problems: [expect.any(String)] }, { problems: [expect.stringContaining('ENOENT')] }]);
    expect(sealing.open(whole, OF)).toEqual({ text: 'Hello' });
  });

  it('show themselves nowhere', () => {
    const sealing = sealingWith('k1');
    const shown = inspect(sealing, { depth: 10, showHidden: true }) + JSON.stringify(sealing);
    const bytes = Buffer.from(encryptionKey('k1'), 'base64');
    for (const form of ['base64', 'base64url', 'hex'] as const) expect(shown).not.toContain(bytes.toString(form));
  });

  it('that are not given seal nothing', () => {
    expect(openSealing({}).seal('Hello', OF)).toBeNull();
  });
});

describe('the hash of a request', () => {
  const json = '{"pageId":"p1","conversationId":"c1","message":{"type":"text","text":"yes"}}';

  it('is the same for the same request, with the same keys', () => {
    const sealing = sealingWith('k1');
    expect(sealing.requestHash(json)).toBe(sealingWith('k1').requestHash(json));
    expect(sealing.requestHash(json)).not.toBe(sealing.requestHash(`${json} `));
  });

  it('can not be guessed without the key', () => {
    const hashes = [NO_KEYS, sealingWith('k1'), sealingWith('k2')].map((sealing) => sealing.requestHash(json));
    expect(new Set(hashes.map((hash) => hash.split('.').at(-1))).size).toBe(3);
  });

  it('is known again after a rotation, after encryption was turned on, and with a key that has just come', () => {
    const [old, rotated] = [sealingWith('k1'), sealingWith('k2', 'k1')];
    for (const hash of [old.requestHash(json), rotated.requestHash(json), NO_KEYS.requestHash(json)]) {
      expect(rotated.isHashOf(json, hash)).toBe(true);
      expect(rotated.isHashOf(`${json} `, hash)).toBe(false);
    }
    const file = newKeysFile(encryptionKeys('k1'));
    const sealing = openSealing({ encryptionKeysFile: file.path });
    file.replace(encryptionKeys('k1', 'k2'));
    expect(sealing.isHashOf(json, rotated.requestHash(json))).toBe(true);
  });

  it('of a key that is gone is nobody’s', () => {
    expect(sealingWith('k2').isHashOf(json, sealingWith('k1').requestHash(json))).toBe(false);
    expect(NO_KEYS.isHashOf(json, sealingWith('k1').requestHash(json))).toBe(false);
  });
});
