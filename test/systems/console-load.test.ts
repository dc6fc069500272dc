import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { startFakeKitechat } from '../../src/testing/index.ts';
import { eventually } from '../support/eventually.ts';
import { type HttpProcess, startHttpProcess } from '../support/http-process.ts';
import { manyMessages } from '../support/messages.ts';
import { headOfForm, openRaw, type RawClient, statusOf } from '../support/raw-client.ts';
import { tried } from '../support/tried.ts';
import { useProducers } from '../support/use-producers.ts';

const TOKEN = 'a-token-that-nobody-guesses';
const MEBIBYTE = 1024 * 1024;
const MESSAGES = 50;

const used = useProducers();
const on = (namespace: string): Record<string, string> => ({
  REDIS_URL: used.url,
  KITECHAT_NAMESPACE: namespace,
  KITECHAT_CONSOLE_TOKEN: TOKEN,
});

function residentMiB({ pid }: HttpProcess): number {
  const [, kib = '0'] = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kib) / 1024;
}

function troubleIn({ stdout, stderr }: HttpProcess): string[] {
  return [...stdout, ...stderr].filter((line) => /"level":"(?:error|fatal)"|error/i.test(line));
}

async function openMany(
  url: string,
  count: number,
  begin: string | Buffer,
): Promise<AsyncDisposable & { clients: RawClient[] }> {
  const clients: RawClient[] = [];
  for (let n = 0; n < count; n += 50) {
    clients.push(...(await Promise.all(Array.from({ length: Math.min(50, count - n) }, () => openRaw(url, begin)))));
  }
  return {
    clients,
    [Symbol.asyncDispose]: async () => {
      for (const { socket } of clients) socket.destroy();
    },
  };
}

describe('whoever reaches the port of a worker', () => {
  it.each([
    ['half a head', 'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n'],
    ['a head without its body', headOfForm('/login', 20)],
    ['nothing at all', ''],
  ])(
    'takes it no socket with 400 connections that send %s: it sends, and its probe is answered',
    async (what, begin) => {
      const namespace = `flood-${what.length}`;
      await using api = await startFakeKitechat();
      await using producer = used.producerOf(namespace);
      await using worker = await startHttpProcess('worker', {
        ...on(namespace),
        KITECHAT_API_KEY: 'key',
        KITECHAT_API_URL: api.url,
        // A connection for each request: a worker without free files fails at once.
        KITECHAT_KEEP_ALIVE_MS: '0',
      });
      await eventually('the worker is ready', async () => (await worker.ask('/readyz')).status === 200);
      await promisify(execFile)('prlimit', ['--pid', String(worker.pid), '--nofile=256:256']);

      await using flood = await openMany(worker.url, 400, begin);
      const sentAt = performance.now();
      await producer.enqueueMessages(manyMessages(MESSAGES, 1));
      await api.waitForAccepted(MESSAGES);
      expect(performance.now() - sentAt).toBeLessThan(10_000);
      expect((await worker.ask('/healthz')).status).toBe(200);
      expect((await worker.ask('/', { authorization: `Bearer ${TOKEN}` })).status).toBe(200);
      expect(flood.clients.filter(({ socket }) => !socket.destroyed).length).toBeLessThanOrEqual(64);
      await Promise.all(flood.clients.map(({ closed }) => closed));
      expect(troubleIn(worker)).toEqual([]);
      tried({
        against: 'console',
        input:
          'half a head, a head without its body, or nothing, on connections held open; a worker with 256 files, 50 messages meanwhile',
        count: flood.clients.length,
        result: 'all 50 sent within 10 s, `/healthz` answers, at most 64 connections stay, no error line',
        before: '0 of 50 sent',
      });
    },
  );

  it('gets no answer from a request that takes longer than 5 s to send its head, or 10 s to send all', async () => {
    await using worker = await startHttpProcess('console', on('slow'));
    const begunAt = performance.now();
    const head = await openRaw(worker.url, 'GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n');
    const body = await openRaw(worker.url, headOfForm('/login', 20));
    await head.closed;
    expect(performance.now() - begunAt).toBeLessThan(8000);
    await body.closed;
    expect(performance.now() - begunAt).toBeLessThan(14_000);
    expect([statusOf(head.answered()), statusOf(body.answered())]).toEqual([408, 408]);
    expect(troubleIn(worker)).toEqual([]);
    tried({
      against: 'console',
      input: 'a request whose head, or whose body, never comes',
      count: 2,
      result: '408 after 5 s, 10 s',
      before: 'open for minutes',
    });
  });
});

describe('a login', () => {
  it('of 1 MiB is refused unread: 1,200 of them that hold back their last byte cost no memory', async () => {
    await using desk = await startHttpProcess('console', on('large'));
    await desk.ask('/login');
    const before = residentMiB(desk);
    const body = Buffer.alloc(MEBIBYTE - 7, 'x');
    const almostWhole = Buffer.concat([Buffer.from(`${headOfForm('/login', MEBIBYTE)}token=`), body]);
    await using flood = await openMany(desk.url, 1200, almostWhole);
    await eventually('all is taken or refused', () =>
      flood.clients.every(({ socket }) => socket.destroyed || socket.writableLength === 0),
    );
    expect(residentMiB(desk) - before).toBeLessThan(200);
    await Promise.all(flood.clients.map(({ closed }) => closed));
    expect(troubleIn(desk)).toEqual([]);
    expect((await desk.ask('/healthz')).status).toBe(200);
    tried({
      against: 'console',
      input: '`POST /login` of 1 MiB, its last byte held back',
      count: flood.clients.length,
      result:
        'no error line, and the process still answers; its memory grows by less than 200 MiB, with whole bodies it grew by 86 MiB',
      before: '756 MiB',
    });
  });

  it.each([
    ['/login', 4096],
    ['/logout', 4096],
    ['/hold', 64 * 1024],
    ['/dead-letters/start', 64 * 1024],
    ['/dead-letters/x/replay-edited', MEBIBYTE],
  ])(
    'a form for %s of more than %i bytes is refused before it is sent, and its connection closed',
    async (path, most) => {
      await using desk = await startHttpProcess('console', on('forms'));
      const { answered, closed, socket } = await openRaw(desk.url, headOfForm(path, most + 1));
      await closed;
      expect([statusOf(answered()), socket.bytesWritten]).toEqual([413, headOfForm(path, most + 1).length]);
      const fits = await openRaw(desk.url, headOfForm(path, most, ['Origin: http://other.example']));
      await eventually('the one that fits is judged by its origin', () => statusOf(fits.answered()) === 403);
      fits.socket.destroy();
      tried({
        against: 'console',
        input: 'a form one byte over its bound',
        result: '413 before the body is sent, connection closed',
      });
    },
  );

  it('that is given up in the middle is no error: 1,500 leave no line in the log', async () => {
    await using desk = await startHttpProcess('console', on('aborted'));
    const begin = `${headOfForm('/login', 4000)}token=x`;
    for (let n = 0; n < 30; n += 1) {
      await using some = await openMany(desk.url, 50, begin);
      // The console has begun to read before the clients go.
      await delay(10);
      expect(some.clients).toHaveLength(50);
    }
    await eventually('the console answers', async () => (await desk.ask('/healthz')).status === 200);
    await delay(200);
    expect(troubleIn(desk)).toEqual([]);
    expect([...desk.stderr, ...desk.stdout].length).toBeLessThan(5);
    tried({
      against: 'console',
      input: 'logins that are given up in the middle',
      count: 1500,
      result: 'no line in the log',
      before: 'error lines, which nobody counted',
    });
  });
});
