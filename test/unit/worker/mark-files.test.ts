import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Shard } from '../../../src/shared/lanes/shard.ts';
import { openMarkFiles } from '../../../src/worker/fleet/mark-files.ts';
import { createMarks } from '../../../src/worker/fleet/marks.ts';
import { newFolderOfTest } from '../../support/folder-of-test.ts';
import { readableLogger } from './log-lines.ts';

function open(folder: string, workerId = 'worker-1') {
  const { logger, lines } = readableLogger();
  return { ...openMarkFiles(folder, { namespace: 'n', workerId, logger }), lines };
}

describe('the folder in which workers remember how far Redis has come', () => {
  it('is made when it is first written, and keeps the highest mark of all workers that share it', async () => {
    const folder = join(newFolderOfTest(), 'state');
    const [one, other] = [open(folder), open(folder, 'worker-2')];
    expect(await one.read(0)).toEqual({});
    await one.write(0, { a: { mark: 7, at: 70 } });
    await other.write(0, { a: { mark: 5, at: 50 }, b: { mark: 1, at: 80 } });
    await other.write(3, { c: { mark: 2, at: 20 } });
    expect(await one.read(0)).toEqual({ a: { mark: 7, at: 70 }, b: { mark: 1, at: 80 } });
    expect(readdirSync(folder).toSorted()).toEqual(['n.0.json', 'n.3.json']);
    expect([...one.lines, ...other.lines]).toEqual([]);
  });

  it('forgets the oldest of many timelines', async () => {
    const files = open(newFolderOfTest());
    for (let n = 0; n < 12; n += 1) await files.write(0, { [`t${n}`]: { mark: n, at: n } });
    expect(Object.keys(await files.read(0))).toEqual(['t4', 't5', 't6', 't7', 't8', 't9', 't10', 't11']);
  });

  it.each([
    ['is a file', (path: string) => writeFileSync(path, '')],
    ['has a file that is no JSON', (path: string) => writeFileSync(join(path, '..', 'n.0.json'), '{')],
  ])('that %s is a warning, once, and stops nothing', async (what, spoil) => {
    const folder = newFolderOfTest();
    spoil(join(folder, 'state'));
    const files = open(what === 'is a file' ? join(folder, 'state') : folder);
    expect(await files.read(0)).toEqual({});
    await files.write(0, { a: { mark: 7, at: 70 } });
    expect(files.lines).toHaveLength(1);
    expect(files.lines[0]).toContain('the folder of KITECHAT_STATE_DIR cannot be used');
  });

  it('has the latest mark although the worker ends while it writes an earlier one', async () => {
    const folder = newFolderOfTest();
    const files = open(folder);
    const shard = { index: 0 } as Shard;
    const marks = createMarks([shard], files);
    for (let mark = 1; mark <= 3; mark += 1) marks.note(shard, { timeline: 'a', mark, at: mark });
    await marks.save();
    expect(await files.read(0)).toEqual({ a: { mark: 3, at: 3 } });
    expect(files.lines).toEqual([]);
  });

  it('keeps nothing of a write that failed', async () => {
    const folder = newFolderOfTest();
    mkdirSync(join(folder, 'n.0.json'));
    await open(folder).write(0, { a: { mark: 7, at: 70 } });
    expect(readdirSync(folder)).toEqual(['n.0.json']);
  });
});
