import { execFileSync } from 'node:child_process';
import { constants, mkdtempSync, openSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ConfigError } from '../../../src/shared/errors/errors.ts';
import { type KeySource, type KeySourceOptions, openKeySource } from '../../../src/worker/keys/api-keys.ts';
import { eventually } from '../../support/eventually.ts';
import { replaceFile } from '../../support/replace-file.ts';
import { readableLogger } from './log-lines.ts';

const root = mkdtempSync(join(tmpdir(), 'kitechat-keys-'));
afterAll(() => rmSync(root, { recursive: true }));

interface Opened extends KeySource, Disposable {
  /** The log, without the time and the name of each line. */
  log(): Record<string, unknown>[];
  /** All that was logged, as it stands. */
  lines: readonly string[];
}

function newFolder(): string {
  return mkdtempSync(join(root, 'test-'));
}

function newFile(text: string, folder = newFolder()): string {
  const path = join(folder, 'keys');
  writeFileSync(path, text);
  return path;
}

async function open(options: Omit<KeySourceOptions, 'logger'>): Promise<Opened> {
  const { logger, lines } = readableLogger();
  const source = await openKeySource({ ...options, logger });
  const log = (): Record<string, unknown>[] =>
    lines.map((line) => {
      const { time: _, name: __, ...rest } = JSON.parse(line) as Record<string, unknown>;
      return rest;
    });
  return { ...source, log, lines, [Symbol.dispose]: source.close };
}

async function problemsOf(options: Omit<KeySourceOptions, 'logger'>): Promise<readonly string[]> {
  try {
    using _ = await open(options);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

describe.concurrent('the keys of a worker', () => {
  it('are the page’s own, else the one for every page', async () => {
    const apiKeysFile = newFile('{"p1":"k1","__proto__":"k2"}');
    using keys = await open({ apiKey: 'one', apiKeysFile });
    const { resolveApiKey } = keys;
    expect(['p1', '__proto__', 'p2', 'constructor', ''].map(resolveApiKey)).toEqual(['k1', 'k2', 'one', 'one', 'one']);
  });

  it('can be in two files', async () => {
    using keys = await open({ apiKeyFile: newFile('one\n'), apiKeysFile: newFile('{"p1":"k1"}') });
    const { resolveApiKey } = keys;
    expect(['p1', 'p2'].map(resolveApiKey)).toEqual(['k1', 'one']);
  });

  it('are missing for pages that no file and no setting names', async () => {
    using keys = await open({ apiKeysFile: newFile('{"p1":"k1"}') });
    const { resolveApiKey } = keys;
    expect(['p1', 'p2', '__proto__', 'toString'].map(resolveApiKey)).toEqual(['k1', undefined, undefined, undefined]);
  });

  it('that can’t be read are all told at once, without path and content', async () => {
    expect(await problemsOf({ apiKeyFile: '/missing/SECRET', apiKeysFile: newFolder() })).toEqual([
      "KITECHAT_API_KEY_FILE: names a file that can't be read (ENOENT)",
      "KITECHAT_API_KEYS_FILE: names a file that can't be read (EISDIR)",
    ]);
    expect(await problemsOf({ apiKeyFile: 'SECRET\u0000' })).toEqual([
      "KITECHAT_API_KEY_FILE: names a file that can't be read (ERR_INVALID_ARG_VALUE)",
    ]);
    const problems = await problemsOf({ apiKeyFile: newFile('\n'), apiKeysFile: newFile('{"p1":7,"":"SECRET"}') });
    expect(problems).toEqual([
      'KITECHAT_API_KEY_FILE: names an empty file',
      'KITECHAT_API_KEYS_FILE: line 1, column 2: the key must be a string',
      'KITECHAT_API_KEYS_FILE: line 1, column 9: the page id must not be empty',
    ]);
  });
});

describe.concurrent('a file with keys', () => {
  it.each([
    ['replaced by another file', replaceFile],
    ['written anew in its place', (path: string, text: string) => writeFileSync(path, text, { flag: 'r+' })],
  ])('is read again when it is %s, of the same length too', async (_, change) => {
    const apiKeyFile = newFile('first\n');
    const apiKeysFile = newFile('{"p1":"k1"}');
    using keys = await open({ apiKeyFile, apiKeysFile });
    const { resolveApiKey, log, lines } = keys;
    change(apiKeyFile, 'other\n');
    change(apiKeysFile, '{"p2":"k2"}');
    await eventually(
      'the keys are the new ones',
      () => resolveApiKey('p1') === 'other' && resolveApiKey('p2') === 'k2',
    );
    expect(log()).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ level: 'info', variable: 'KITECHAT_API_KEY_FILE' }),
        expect.objectContaining({ level: 'info', variable: 'KITECHAT_API_KEYS_FILE', pages: 1 }),
      ]),
    );
    expect(lines).toHaveLength(2);
    expect(lines.join()).not.toMatch(/other|k2|p2/);
  });

  it('is read again when a link on its way leads elsewhere, as mounted secrets do', async () => {
    const folder = newFolder();
    const version = (name: string, text: string): void => {
      const target = mkdtempSync(join(folder, name));
      newFile(text, target);
      symlinkSync(target, join(folder, '..data.new'));
      renameSync(join(folder, '..data.new'), join(folder, '..data'));
    };
    version('one', 'first');
    symlinkSync(join('..data', 'keys'), join(folder, 'key'));
    using keys = await open({ apiKeyFile: join(folder, 'key') });
    const { resolveApiKey } = keys;
    expect(resolveApiKey('p1')).toBe('first');
    version('two', 'other');
    await eventually('the key is the new one', () => resolveApiKey('p1') === 'other');
  });

  it('that breaks is told once per change, and the keys from before stay until it is mended', async () => {
    const apiKeysFile = newFile('{"p1":"k1"}');
    using keys = await open({ apiKeysFile });
    const { resolveApiKey, log, lines } = keys;
    const broken = (n: number) => eventually(`${n} changes are told`, () => lines.length === n);
    replaceFile(apiKeysFile, '{"p1":"SECRET');
    await broken(1);
    replaceFile(apiKeysFile, '{"p1":"SECRET two","p2":"k2"}');
    await broken(2);
    rmSync(apiKeysFile);
    await broken(3);
    expect(resolveApiKey('p1')).toBe('k1');
    replaceFile(apiKeysFile, '{"p1":"k3","p2":"k2"}');
    await eventually('the key is the new one', () => resolveApiKey('p1') === 'k3');
    expect(log().map(({ level, problems, pages }) => [level, problems ?? pages])).toEqual([
      ['error', [expect.stringMatching(/^KITECHAT_API_KEYS_FILE: names a file that is not a JSON object/)]],
      ['error', [expect.stringMatching(/^KITECHAT_API_KEYS_FILE: line 1, column 2: the key must consist of/)]],
      ['error', ["KITECHAT_API_KEYS_FILE: names a file that can't be read (ENOENT)"]],
      ['info', 2],
    ]);
    expect(lines.join()).not.toMatch(/SECRET|k1|k2|k3|p1|p2/);
    expect(lines.join()).not.toContain(apiKeysFile);
  });

  it('that stays broken is not told of again and again', async () => {
    const apiKeyFile = newFile('first');
    const apiKeysFile = newFile('{}');
    using keys = await open({ apiKeyFile, apiKeysFile });
    const { resolveApiKey, log } = keys;
    replaceFile(apiKeysFile, '');
    await changeTwice(apiKeyFile, resolveApiKey);
    expect(log().filter(({ level }) => level === 'error')).toHaveLength(1);
  });

  it('that is a pipe is read once: there is nothing more in it', async () => {
    const pipe = join(newFolder(), 'pipe');
    execFileSync('env', ['mkfifo', pipe]);
    const apiKeysFile = newFile('{}');
    const opening = open({ apiKeyFile: pipe, apiKeysFile });
    await writeFile(pipe, 'key-from-a-pipe');
    using keys = await opening;
    const { resolveApiKey, log } = keys;
    replaceFile(apiKeysFile, '{"p1":"k1"}');
    await eventually('the other file is read again', () => resolveApiKey('p1') === 'k1');
    expect([resolveApiKey('p2'), log().length]).toEqual(['key-from-a-pipe', 1]);
    // Nobody waits at its other end.
    expect(() => openSync(pipe, constants.O_WRONLY | constants.O_NONBLOCK)).toThrow(/ENXIO/);
  });

  it('is not looked at any more after the end', async () => {
    const apiKeyFile = newFile('first');
    using ended = await open({ apiKeyFile });
    using witness = await open({ apiKeyFile });
    ended.close();
    await changeTwice(apiKeyFile, witness.resolveApiKey);
    expect([ended.resolveApiKey('p1'), ended.lines]).toEqual(['first', []]);
  });
});

/** When the second change is seen, whatever else is looked at was looked at since the first. */
async function changeTwice(path: string, resolveApiKey: KeySource['resolveApiKey']): Promise<void> {
  for (const key of ['second', 'third']) {
    replaceFile(path, key);
    await eventually(`the key is the ${key} one`, () => resolveApiKey('any page') === key);
  }
}
