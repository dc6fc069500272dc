import { mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createOutputFile } from '../../../src/cli/terminal/output-file.ts';
import { UnwritableOutputError } from '../../../src/cli/terminal/file-errors.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kitechat-test-'));
});
afterEach(async () => await rm(folder, { recursive: true }));

async function write(path: string, text: string, { replace = false, finish = true } = {}): Promise<void> {
  await using file = await createOutputFile(path, { replace });
  for (const part of text.match(/.{1,1000}/gsu) ?? []) await file.write(part);
  if (finish) await file.finish();
}

async function refusalOf(work: Promise<unknown>): Promise<UnwritableOutputError> {
  const error: unknown = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(UnwritableOutputError);
  return error as UnwritableOutputError;
}

describe('createOutputFile', () => {
  it('has all of the text in its place when it is finished, for its owner alone, and nothing beside it', async () => {
    const text = 'grüß 👋\n'.repeat(50_000);
    const path = join(folder, 'out');
    await write(path, text);
    expect(await readFile(path, 'utf8')).toBe(text);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readdir(folder)).toEqual(['out']);
  });

  it('is nowhere to be seen under its name until it is finished, and leaves nothing if it never is', async () => {
    const path = join(folder, 'out');
    {
      await using file = await createOutputFile(path, { replace: false });
      await file.write('x'.repeat(200_000));
      expect(await readdir(folder)).toEqual([expect.stringMatching(/^out\..+\.part$/)]);
    }
    expect(await readdir(folder)).toEqual([]);
  });

  it('refuses a file that is there, and one that has come meanwhile, and leaves them as they are', async () => {
    const path = join(folder, 'out');
    await writeFile(path, 'before');
    const refusal = await refusalOf(createOutputFile(path, { replace: false }));
    expect(refusal.message).toBe(`${path} can't be written: it exists already; --force replaces it.`);
    expect(refusal.isUsage).toBe(true);

    const other = join(folder, 'other');
    {
      await using file = await createOutputFile(other, { replace: false });
      await writeFile(other, 'meanwhile');
      await refusalOf(file.finish());
    }
    expect([await readFile(path, 'utf8'), await readFile(other, 'utf8')]).toEqual(['before', 'meanwhile']);
    expect((await readdir(folder)).toSorted()).toEqual(['other', 'out']);
  });

  it('replaces one if it may, only when it is finished, and through a link', async () => {
    const path = join(folder, 'out');
    const alias = join(folder, 'alias');
    await writeFile(path, 'before');
    await symlink(path, alias);
    await write(alias, 'unfinished', { replace: true, finish: false });
    expect(await readFile(path, 'utf8')).toBe('before');
    await write(alias, 'after', { replace: true });
    expect(await readFile(path, 'utf8')).toBe('after');
    expect((await readdir(folder)).toSorted()).toEqual(['alias', 'out']);
  });

  it('writes a device as it stands', async () => {
    await write('/dev/null', 'anything');
    expect((await stat('/dev/null')).isCharacterDevice()).toBe(true);
  });

  it('says why there is no place for it', async () => {
    const missing = await refusalOf(createOutputFile(join(folder, 'no', 'out'), { replace: false }));
    expect(missing.message).toMatch(/can't be written: there is no such folder\.$/);
    const directory = await refusalOf(createOutputFile(folder, { replace: true }));
    expect(directory.message).toMatch(/can't be written: it is a folder\.$/);
    const full = await refusalOf(write('/dev/full', 'anything'));
    expect(full.message).toBe("/dev/full can't be written: the disk is full.");
    expect(full.isUsage).toBe(false);
  });
});
