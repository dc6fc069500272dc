import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createProducer } from '../../../src/producer/index.ts';
import { openDeadLetters } from '../../../src/dead-letters/index.ts';
import { ConfigError } from '../../../src/shared/errors/errors.ts';
import { parseSealingKeys } from '../../../src/shared/sealing/encryption-keys.ts';
import { openSealing } from '../../../src/shared/sealing/sealing.ts';
import { newFolderOfTest } from '../../support/folder-of-test.ts';
import { encryptionKey, encryptionKeys, newKeysFile } from '../../support/encryption-keys.ts';

const KEY = encryptionKey('some');
const FORM = '{ "<key id>": "<32 bytes in base64>" }';
const KEY_RULE = 'the key must be 32 bytes in base64, as "openssl rand -base64 32" prints them';
const ID_RULE = 'the key id must be 1 to 64 letters, digits, "-", "_" or "."';

function problemsOf(text: string): readonly string[] {
  const contents = parseSealingKeys(text);
  return 'problems' in contents ? contents.problems : [];
}

describe('a file with encryption keys', () => {
  it('has its keys in the order of its text, whatever JSON makes of their ids', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.stringMatching(/^[\w.-]{1,64}$/), { minLength: 1, maxLength: 5 }), (ids) => {
        const contents = parseSealingKeys(`\n${encryptionKeys(...ids)}\n`);
        expect(contents).toHaveProperty('value');
        if (!('value' in contents)) return;
        expect(contents.value.first.id).toBe(ids[0]);
        expect([...contents.value.byId.keys()]).toEqual(ids);
      }),
    );
    expect(parseSealingKeys(encryptionKeys('2', '1'))).toMatchObject({ value: { first: { id: '2' } } });
    expect(parseSealingKeys(encryptionKeys('__proto__'))).toMatchObject({ value: { first: { id: '__proto__' } } });
  });

  it.each([
    ['nothing', '', 'names an empty file'],
    ['line breaks alone', '\n\n', 'names an empty file'],
    ['no key', '{}', `names a file without a key; its form is ${FORM}`],
    ['no JSON', KEY, `names a file that is not a JSON object of the form ${FORM}`],
    ['half of a file', `{"k1":"${KEY}"`, `names a file that is not a JSON object of the form ${FORM}`],
    ['a list', `["${KEY}"]`, `names a file that is not a JSON object of the form ${FORM}`],
    ['null', 'null', `names a file that is not a JSON object of the form ${FORM}`],
    ['a key that is no text', '{"k1":32}', `names a file that is not a JSON object of the form ${FORM}`],
    ['an object for a key', `{"k1":{"k2":"${KEY}"}}`, `names a file that is not a JSON object of the form ${FORM}`],
    ['a short key', `{"k1":"${Buffer.alloc(16).toString('base64')}"}`, `line 1, column 2: ${KEY_RULE}`],
    ['a long key', `{"k1":"${Buffer.alloc(33).toString('base64')}"}`, `line 1, column 2: ${KEY_RULE}`],
    ['a key in hex', `{"k1":"${Buffer.alloc(32).toString('hex')}"}`, `line 1, column 2: ${KEY_RULE}`],
    ['a key without its end', `{"k1":"${KEY.slice(0, -1)}"}`, `line 1, column 2: ${KEY_RULE}`],
    ['a key with a space', `{"k1":" ${KEY}"}`, `line 1, column 2: ${KEY_RULE}`],
    ['an empty key', '{"k1":""}', `line 1, column 2: ${KEY_RULE}`],
    ['an id with a space', `{"k 1":"${KEY}"}`, `line 1, column 2: ${ID_RULE}`],
    ['an empty id', `{"":"${KEY}"}`, `line 1, column 2: ${ID_RULE}`],
    ['the same id twice', `{"k1":"${KEY}",\n "k1":"${KEY}"}`, 'line 2, column 2: the key id is a duplicate'],
  ])('with %s is refused', (_what, text, problem) => {
    expect(problemsOf(text)).toEqual([problem]);
  });

  it('has all its problems told at once, by their places alone', () => {
    const text = `{\n  "k1": "SECRET",\n  "${KEY}": "k2",\n  "k3": "${KEY}"\n}`;
    const problems = problemsOf(text);
    expect(problems).toEqual([
      `line 2, column 3: ${KEY_RULE}`,
      `line 3, column 3: ${ID_RULE}`,
      `line 3, column 3: ${KEY_RULE}`,
    ]);
    expect(problems.join()).not.toMatch(/SECRET|k2/);
    expect(problems.join()).not.toContain(KEY);
  });

  it('that can not be used lets nothing begin, and is told without its path and its keys', () => {
    const broken = newKeysFile('{"k1":"SECRET"}');
    const options = { encryptionKeysFile: broken.path };
    for (const [begin, name] of [
      [openSealing, 'KITECHAT_ENCRYPTION_KEYS_FILE'],
      [createProducer, 'encryptionKeysFile'],
      [openDeadLetters, 'encryptionKeysFile'],
    ] as const) {
      const problems = [`${name}: line 1, column 2: ${KEY_RULE}`];
      expect(() => begin(options)).toThrow(new ConfigError(problems));
      expect(() => begin({ encryptionKeysFile: '/missing/SECRET' })).toThrow(
        new ConfigError([`${name}: names a file that can't be read (ENOENT)`]),
      );
    }
    expect(() => openSealing({ encryptionKeysFile: newFolderOfTest() })).toThrow(/EISDIR/);
  });
});
