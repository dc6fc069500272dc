import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { startFakeKitechat } from '../../src/testing/index.ts';
import { environment, main } from '../support/command-line.ts';
import { eventually } from '../support/eventually.ts';
import { manyMessages } from '../support/messages.ts';
import { useFolder } from '../support/use-folder.ts';
import { useProducers } from '../support/use-producers.ts';

const CONVERSATIONS = 50;
/** Their lines are several times as long as the buffer of a pipe. */
const MESSAGES = 1000;
/** A worker ends within a second; far less than `KITECHAT_SHUTDOWN_MS`. */
const END_MS = 8000;

const node = [process.execPath, main, 'worker'] as const;

/** Where a worker writes its log, and the command that starts it there. */
interface Place {
  stdout: number;
  command: readonly string[];
}

const places: Record<string, (folder: string) => Place> = {
  'a device without space': () => ({ stdout: openSync('/dev/full', constants.O_WRONLY), command: node }),
  'a pipe that nobody reads': (folder) => ({ stdout: openFifo(folder).writer, command: node }),
  'a pipe whose reader has ended': (folder) => {
    const { reader, writer } = openFifo(folder);
    closeSync(reader);
    return { stdout: writer, command: node };
  },
  'a full disk': (folder) => ({ stdout: openSync('/dev/null', constants.O_WRONLY), command: onFullDisk(folder) }),
};

function openFifo(folder: string): { reader: number; writer: number } {
  const path = join(folder, 'log');
  execFileSync('mkfifo', [path]);
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  return { reader, writer: openSync(path, constants.O_WRONLY) };
}

/** Mounts a disk of 64 KiB that only this process sees, and fills it. */
function onFullDisk(folder: string): string[] {
  const script = `mount -t tmpfs -o size=64k none ${folder} && { head -c 64k /dev/zero > ${folder}/filler; exec "$@" > ${folder}/log; }`;
  return ['unshare', '--user', '--map-root-user', '--mount', 'sh', '-c', script, 'sh', ...node];
}

function start({ stdout, command: [program = '', ...args] }: Place, env: Record<string, string>) {
  const child = spawn(program, args, { env: environment(env), stdio: ['ignore', stdout, 'pipe'] });
  closeSync(stdout);
  let stderr = '';
  child.stderr?.on('data', (text: Buffer) => (stderr += text.toString()));
  const closed = once(child, 'close').then(([code, signal]: unknown[]) => code ?? signal);
  return {
    pid: child.pid ?? 0,
    stderr: () => stderr,
    async endedBy(signal: NodeJS.Signals) {
      const since = performance.now();
      child.kill(signal);
      const code = await closed;
      return { code, endMs: performance.now() - since };
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await closed;
    },
  };
}

describe.concurrent('a worker whose log can not be written', () => {
  const used = useProducers();
  const folders = useFolder();
  const newFolder = (name: string): string => {
    mkdirSync(join(folders, name));
    return join(folders, name);
  };
  const on = (namespace: string, apiUrl: string): Record<string, string> => ({
    REDIS_URL: used.url,
    KITECHAT_NAMESPACE: namespace,
    KITECHAT_API_URL: apiUrl,
    KITECHAT_API_KEY: 'key',
  });

  it.each(Object.entries(places))(
    'because it is %s delivers everything, and ends by one SIGTERM',
    async (what, open) => {
      const namespace = what.replaceAll(' ', '-');
      await using api = await startFakeKitechat();
      await using producer = used.producerOf(namespace);
      await producer.enqueueMessages(manyMessages(CONVERSATIONS, MESSAGES / CONVERSATIONS));
      await using worker = start(open(newFolder(namespace)), on(namespace, api.url));
      await api.waitForAccepted(MESSAGES, { timeoutMs: 60_000 });
      const { code, endMs } = await worker.endedBy('SIGTERM');
      expect({ code, stderr: worker.stderr() }).toEqual({ code: 0, stderr: '' });
      expect(endMs).toBeLessThan(END_MS);
      expect(api.report()).toMatchObject({ accepted: MESSAGES, duplicates: { count: 0 } });
    },
  );

  it('writes the lines that waited when the disk has space again', async () => {
    const folder = newFolder('space-again');
    await using api = await startFakeKitechat();
    await using producer = used.producerOf('space-again');
    const stdout = openSync('/dev/null', constants.O_WRONLY);
    await using worker = start({ stdout, command: onFullDisk(folder) }, on('space-again', api.url));
    await producer.enqueueMessages(manyMessages(10, 1));
    await api.waitForAccepted(10, { timeoutMs: 60_000 });
    const inside = (file: string): string => `/proc/${worker.pid}/root${folder}/${file}`;
    const attempts = (): number => readFileSync(inside('log'), 'utf8').split('"next":"delivered"').length - 1;
    expect(attempts()).toBe(0);
    rmSync(inside('filler'));
    await eventually('the lines are written', () => attempts() === 10);
    expect((await worker.endedBy('SIGTERM')).code).toBe(0);
  });
});

describe('a command whose output nobody reads', () => {
  const used = useProducers();
  const folder = useFolder();
  /** Their receipts are several times as long as the buffer of a pipe. */
  const LINES = 5000;

  it('ends by one SIGTERM', async () => {
    const file = join(folder, 'messages');
    writeFileSync(
      file,
      manyMessages(10, LINES / 10)
        .map((message) => `${JSON.stringify(message)}\n`)
        .join(''),
    );
    await using command = start(
      { stdout: openFifo(folder).writer, command: [process.execPath, main, 'send', file] },
      { REDIS_URL: used.url, KITECHAT_NAMESPACE: 'unread' },
    );
    const areStored = async (): Promise<boolean> =>
      (await used.redis.zcard('{unread:0}:send:waiting-children')) === LINES;
    await eventually('all messages are stored', areStored);
    const { code, endMs } = await command.endedBy('SIGTERM');
    // The signal may come before the command has noted that it is done.
    expect([0, 130]).toContain(code);
    expect(endMs).toBeLessThan(END_MS);
  });
});
