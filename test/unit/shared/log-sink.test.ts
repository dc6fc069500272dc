import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openLogSink } from '../../../src/shared/logging/log-sink.ts';
import { eventually } from '../../support/eventually.ts';
import { newFolderOfTest } from '../../support/folder-of-test.ts';

const { O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;

/** A pipe whose reader reads when it is told to. */
function openPipe() {
  const path = join(newFolderOfTest(), 'log');
  execFileSync('mkfifo', [path]);
  const reader = openSync(path, O_RDONLY | O_NONBLOCK);
  const writer = openSync(path, O_WRONLY | O_NONBLOCK);
  onTestFinished(() => {
    closeSync(reader);
    closeSync(writer);
  });
  let text = '';
  return {
    writer,
    /** Reads what is in the pipe. @returns all whole lines so far */
    read(): string[] {
      const buffer = Buffer.alloc(65_536);
      try {
        for (let bytes = -1; bytes !== 0;) {
          bytes = readSync(reader, buffer);
          text += buffer.toString('utf8', 0, bytes);
        }
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      }
      return text.split('\n').slice(0, -1);
    },
  };
}

const lineOf = (n: number): string => `${JSON.stringify({ n, padding: 'é'.repeat(300) })}\n`;
const numberIn = (line: string): unknown => (JSON.parse(line) as { n?: unknown }).n;

/** Logs more than a pipe holds, then says on stderr that it ends. */
const APPLICATION = `
  import { createLogger } from '${new URL('../../../src/shared/logging/logger.ts', import.meta.url).href}';
  const loggers = [createLogger({ level: 'info' }), createLogger({ level: 'info' })];
  for (let n = 0; n < 400; n += 1) loggers[n % 2].info({ n, padding: 'x'.repeat(2000) }, 'line');
  process.stderr.write('it ends');
`;

describe('a log', () => {
  it('has each line in its place when its reader pauses', async () => {
    const pipe = openPipe();
    const log = openLogSink(pipe.writer);
    for (let n = 0; n < 1000; n += 1) log.write(lineOf(n));
    await eventually('all are written', () => pipe.read().length === 1000);
    expect(pipe.read().map(numberIn)).toEqual(Array.from({ length: 1000 }, (_, n) => n));
    expect(log.dropped()).toBe(0);
  });

  it('says how many lines are missing, where they are missing, when nobody reads for long', async () => {
    const pipe = openPipe();
    const log = openLogSink(pipe.writer);
    for (let n = 0; n < 3000; n += 1) log.write(lineOf(n));
    const dropped = log.dropped();
    expect(dropped).toBeGreaterThan(1000);
    await eventually('the rest is written', () => pipe.read().length === 3000 - dropped + 1);
    log.write(lineOf(3000));
    const lines = pipe.read();
    const [before, about, after] = [lines.slice(0, -2), lines.at(-2) ?? '', lines.at(-1) ?? ''];
    expect(before.map(numberIn)).toEqual(Array.from({ length: 3000 - dropped }, (_, n) => n));
    expect(JSON.parse(about)).toEqual({
      level: 'warn',
      time: expect.stringMatching(/^\d{4}-.*Z$/) as string,
      name: 'kitechat-sender',
      missing: dropped,
      msg: 'log lines are missing here: they could not be written, and too many were waiting',
    });
    expect(numberIn(after)).toBe(3000);
    expect(log.dropped()).toBe(dropped);
  });

  it('waits at its end for a reader that reads, and not for one that does not', () => {
    const pipe = openPipe();
    const log = openLogSink(pipe.writer);
    for (let n = 0; n < 150; n += 1) log.write(lineOf(n));
    const startedAt = performance.now();
    log.end();
    expect(performance.now() - startedAt).toBeLessThan(3000);
    pipe.read();
    log.end();
    expect(pipe.read().map(numberIn)).toEqual(Array.from({ length: 150 }, (_, n) => n));
  });
});

describe('the logs of two workers in one process of an application', () => {
  it('are whole lines, all of them, although the reader pauses and the process ends', async () => {
    const child = spawn(process.execPath, ['--input-type=module', '--eval', APPLICATION], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const { stdout, stderr } = child;
    await once(stderr, 'data');
    let text = '';
    for await (const chunk of stdout.setEncoding('utf8')) text += chunk as string;
    const names = text.split('\n').flatMap((line) => (line === '' ? [] : [(JSON.parse(line) as { n: unknown }).n]));
    expect(names).toEqual(Array.from({ length: 400 }, (_, n) => n));
  });
});
