import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { listen } from '../../src/testing/fake-api/listen.ts';
import { randomPort } from '../../src/testing/redis/random-port.ts';
import type { RedisServer } from '../../src/testing/redis/redis-handle.ts';
import { type CommandResult, runProcess, startCommand, stdinStaysOpen } from '../support/command-line.ts';
import { textMessage } from '../support/messages.ts';
import { startTestRedis } from '../support/redis.ts';
import { install } from '../support/worker.ts';
import { runCommand } from '../support/run-command.ts';
import { useFolder } from '../support/use-folder.ts';
import { useRedis } from '../support/use-redis.ts';

interface Stored {
  line: number;
  id: string;
  duplicate: boolean;
}

function storedIn({ stdout }: CommandResult): Stored[] {
  return stdout.map((line) => JSON.parse(line) as Stored);
}

function ndjson(items: readonly unknown[]): string {
  return items.map((item) => `${JSON.stringify(item)}\n`).join('');
}

// At once: the slow ones only wait.
describe.concurrent('kitechat-sender send', () => {
  const server = useRedis();
  const folder = useFolder();
  const on = (namespace: string): Record<string, string> => ({
    REDIS_URL: server.url,
    KITECHAT_NAMESPACE: namespace,
  });
  async function file(name: string, content: string): Promise<string> {
    const path = join(folder, name);
    await writeFile(path, content);
    return path;
  }

  it('stores the good lines in order, names each bad one with its number, path and reason, and exits 1', async () => {
    const good = [
      ...[1, 2, 3].map((n) => Object.assign(textMessage('c1', n), { ttlMs: 60_000, label: 'good' })),
      // U+2028 is no end of a line for JSON, whatever readline thinks.
      { pageId: 'p1', conversationId: 'c1', message: { type: 'text', text: 'a\u2028b, message 4' } },
    ];
    const [first, second, third, fourth] = good.map((item) => JSON.stringify(item));
    const bad = {
      json: '{"pageId":"p1","message":{"type":"text","text":"CANARY',
      array: '["CANARY"]',
      missing: '{"pageId":"p1","message":{"type":"text","text":"CANARY"}}',
      nested: JSON.stringify({
        pageId: 'p1',
        conversationId: 'c1',
        message: {
          type: 'template',
          template: {
            body: 'CANARY',
            buttons: [
              { type: 'quick_replies', text: 'CANARY', payload: 'CANARY' },
              { type: 'quick_replies', text: 'CANARY', payload: 'CANARY', url: 'https://CANARY.example' },
            ],
          },
        },
      }),
      option: JSON.stringify({ ...textMessage('c1', 9), message: { type: 'text', text: 'CANARY' }, ttlMs: 'CANARY' }),
      unknownOption: JSON.stringify({ ...textMessage('c1', 9), delay: 'CANARY' }),
      two: '{"pageId":"p1","conversationId":"CANARY\\n","message":{"type":"image","url":"CANARY"}}',
      typo: JSON.stringify({ ...textMessage('c1', 9), message: { type: 'text', text: 'CANARY', ulr: 'CANARY' } }),
    };
    const input = [
      first,
      bad.json,
      bad.array,
      second,
      bad.missing,
      '',
      bad.nested,
      bad.option,
      bad.unknownOption,
      third,
      bad.two,
      bad.typo,
      fourth,
    ].join('\n');
    const result = await runCommand(['send'], on('mixed'), input);

    expect(result.exitCode).toBe(1);
    const stored = storedIn(result);
    expect(result.stdout).toEqual(stored.map(({ line, id }) => JSON.stringify({ line, id, duplicate: false })));
    expect(stored.map(({ line }) => line)).toEqual([1, 4, 10, 13]);
    expect(result.stderr).toEqual([
      'line 2: is not valid JSON',
      'line 3: must be an object with pageId, conversationId and message',
      'line 5: conversationId is required',
      'line 7: message.template.buttons[1].url is not a documented field',
      expect.stringMatching(/^line 8: ttlMs must be a whole number/),
      'line 9: delay is not a documented field, did you mean delayMs?',
      expect.stringMatching(/^line 11: conversationId must not contain control characters/),
      'line 11: message.url must be a valid http or https URL',
      'line 12: message.ulr is not a documented field, did you mean url?',
      'stored 4, already stored 0, refused 8',
    ]);
    expect(result.stderr.join('\n')).not.toContain('CANARY');

    await using receiver = await install(server, { config: { namespace: 'mixed' } });
    await receiver.api.waitForAccepted(4);
    expect(receiver.api.accepted.map(({ message }) => 'text' in message && message.text)).toEqual(
      good.map(({ message }) => 'text' in message && message.text),
    );
    const delivered = await Promise.all(stored.map(({ id }) => receiver.until(id, 'delivered')));
    expect(delivered.map(({ label }) => label)).toEqual(['good', 'good', 'good', null]);
  });

  it('takes lines that are to be sent later, or before others, and refuses those that ask for both times', async () => {
    await using to = await install(server, { config: { namespace: 'later' }, startWorker: false });
    const lines = [
      { ...textMessage('c1', 1), delayMs: 3_600_000 },
      { ...textMessage('c1', 2), sendAt: '2999-01-01T00:00:00+01:00' },
      { ...textMessage('c1', 3), priority: 'high' },
      { ...textMessage('c1', 4), sendAt: '2999-01-01T00:00:00Z', delayMs: 1 },
    ];
    const result = await runCommand(['send'], on('later'), ndjson(lines));
    expect(result).toMatchObject({
      exitCode: 1,
      stderr: [
        expect.stringMatching(/^line 4: sendAt is given, and so is delayMs/),
        'stored 3, already stored 0, refused 1',
      ],
    });
    const records = await Promise.all(storedIn(result).map(({ id }) => to.producer.getMessage(id)));
    expect(records.map((record) => record?.status)).toEqual(['scheduled', 'scheduled', 'queued']);
    expect(records[1]?.nextAttemptAt).toBe('2998-12-31T23:00:00.000Z');
  });

  it('stores 5,000 lines of a file in their order, and exits 0', async () => {
    const items = Array.from({ length: 5000 }, (_, index) => textMessage(`c${index % 7}`, index));
    const path = await file('5000.ndjson', ndjson(items));
    const result = await runCommand(['send', path], on('many'));
    expect(result.stderr).toEqual(['stored 5000, already stored 0, refused 0']);
    expect(result.exitCode).toBe(0);
    const stored = storedIn(result);
    expect(stored.map(({ line }) => line)).toEqual(items.map((_, index) => index + 1));
    expect(stored.map(({ id }) => id)).toEqual(stored.map(({ id }) => id).toSorted());
    expect(new Set(stored.map(({ id }) => id)).size).toBe(5000);
    const { stdout } = await runCommand(['status', '--json'], on('many'));
    expect(JSON.parse(stdout[0] ?? '')).toMatchObject({ queued: 5000 });
  });

  it('takes stdin, "-" and a FILE, with CRLF, a BOM, empty lines and no last line end', async () => {
    const input = `\uFEFF${ndjson([textMessage('c1', 1), textMessage('c1', 2)]).replaceAll('\n', '\r\n\r\n')}${JSON.stringify(textMessage('c1', 3))}`;
    const path = await file('windows.ndjson', input);
    const results = await Promise.all([
      runProcess(['send'], on('stdin'), input),
      runProcess(['send', '-'], on('dash'), input),
      runCommand(['send', path], on('file')),
    ]);
    for (const result of results) {
      expect(result.stderr).toEqual(['stored 3, already stored 0, refused 0']);
      expect(result.exitCode).toBe(0);
      expect(storedIn(result).map(({ line }) => line)).toEqual([1, 3, 5]);
    }
  });

  it('refuses a line that is not in UTF-8 rather than changing it; an empty input is no failure', async () => {
    const latin1 = Buffer.concat([
      Buffer.from(ndjson([textMessage('c1', 1)])),
      Buffer.from(JSON.stringify(textMessage('gr\u00fc\u00df', 2)), 'latin1'),
    ]);
    const [result, empty] = await Promise.all([
      runCommand(['send'], on('latin1'), latin1),
      runCommand(['send'], on('empty'), ''),
    ]);
    expect(result.exitCode).toBe(1);
    expect(result.stderr).toEqual(['line 2: is not in UTF-8', 'stored 1, already stored 0, refused 1']);
    expect(empty).toEqual({ exitCode: 0, stdout: [], stderr: ['stored 0, already stored 0, refused 0'] });
  });

  it('tells a duplicate by its idempotency key, and refuses the key for another request', async () => {
    const keyed = { ...textMessage('c1', 1), idempotencyKey: 'order-17' };
    const again = await runCommand(['send'], on('keys'), ndjson([keyed, keyed]));
    expect(again.exitCode).toBe(0);
    const [first, second] = storedIn(again);
    expect(second).toEqual({ line: 2, id: first?.id, duplicate: true });
    expect(again.stderr).toEqual(['stored 1, already stored 1, refused 0']);

    const other = { ...textMessage('c1', 2), idempotencyKey: 'order-17' };
    const conflict = await runCommand(['send'], on('keys'), ndjson([other, keyed]));
    expect(conflict.exitCode).toBe(1);
    expect(conflict.stderr[0]).toMatch(/^line 1: This idempotencyKey was used for another request/);
    expect(storedIn(conflict)).toEqual([{ line: 2, id: first?.id, duplicate: true }]);
  });

  it('names every line that finds the queue full, and exits 1', async () => {
    const items = [1, 2, 3].map((n) => textMessage('c1', n));
    const result = await runCommand(['send'], { ...on('full'), KITECHAT_MAX_QUEUED: '2' }, ndjson(items));
    expect(result.exitCode).toBe(1);
    expect(storedIn(result)).toHaveLength(2);
    expect(result.stderr[0]).toMatch(/^line 3: The queue is full: 2 messages are open/);
  });

  it('exits 2 for a file that can not be read, and says why', async () => {
    const [missing, directory] = await Promise.all([
      runCommand(['send', join(folder, 'missing.ndjson')], on('no-file')),
      runCommand(['send', folder], on('no-file')),
    ]);
    expect([missing.exitCode, directory.exitCode]).toEqual([2, 2]);
    expect(missing.stderr[0]).toMatch(/missing\.ndjson can't be read: there is no such file\. Name a file/);
    expect(directory.stderr.join('\n')).toMatch(/can't be read: it is a folder\./);
    expect([...missing.stdout, ...directory.stdout]).toEqual([]);
  });

  it('stores each line as soon as it comes; SIGINT ends an endless input with what is stored, and 130', async () => {
    await using sending = startCommand(['send'], on('endless'), stdinStaysOpen);
    sending.write(ndjson([textMessage('c1', 1)]));
    await sending.lineWhere('stdout', (line) => line.startsWith('{"line":1,'));
    sending.write(`${ndjson([textMessage('c1', 2)])}{"pageId":"p1","conv`);
    await sending.lineWhere('stdout', (line) => line.startsWith('{"line":2,'));
    sending.kill('SIGINT');
    expect(await sending.ended()).toBe(130);
    expect(sending.stderr).toEqual(['stored 2, already stored 0, refused 0, not read: all after line 2']);
  });

  it('another number of shards than the first is exit 2, told once', async () => {
    await runCommand(['send'], on('shards'), ndjson([textMessage('c1', 1)]));
    const items = Array.from({ length: 300 }, (_, index) => textMessage('c1', index));
    const result = await runCommand(['send'], { ...on('shards'), KITECHAT_SHARDS: '2' }, ndjson(items));
    expect(result.exitCode).toBe(2);
    expect(result.stdout).toEqual([]);
    const text = result.stderr.join('\n');
    expect(text.match(/KITECHAT_SHARDS is 2, but the namespace "shards" was set up with 1/g)).toHaveLength(1);
  });

  describe('without Redis', () => {
    const items = Array.from({ length: 1000 }, (_, index) => textMessage('c1', index));

    it('exits 3 and says once that nothing was written, whether Redis refuses or is silent', async () => {
      const silent = createServer();
      const silentPort = await listen(silent, '127.0.0.1', 0);
      const urls = [`redis://:secret@127.0.0.1:${randomPort()}`, `redis://:secret@127.0.0.1:${silentPort}`];
      const results = await Promise.all(
        urls.map((url) => runCommand(['send'], { REDIS_URL: url }, `nonsense\n${ndjson(items)}`)),
      );
      silent.close();
      for (const { exitCode, stdout, stderr } of results) {
        expect(exitCode).toBe(3);
        expect(stdout).toEqual([]);
        expect(stderr).toEqual([
          'line 1: is not valid JSON',
          expect.stringMatching(
            /^lines 2 to \d+ not stored: Redis .* Nothing was written\..*\(redis:\/\/127\.0\.0\.1:/,
          ),
          expect.stringMatching(
            /^stored 0, already stored 0, refused 1, not stored \d+, not read: all after line \d+$/,
          ),
        ]);
        expect(stderr.join('\n')).not.toContain('secret');
      }
    });

    it('goes away in the middle: ends by itself, telling what is stored, what is not and what nobody knows', async () => {
      await using killed = await startTestRedis();
      await using frozen = await startTestRedis();
      const start = (redis: RedisServer) => startCommand(['send'], { REDIS_URL: redis.url }, stdinStaysOpen);
      await using onKilled = start(killed);
      await using onFrozen = start(frozen);
      for (const sending of [onKilled, onFrozen]) {
        sending.write(ndjson(items.slice(0, 1)));
        await sending.lineWhere('stdout', (line) => line.startsWith('{"line":1,'));
      }
      await killed.kill();
      await frozen.pause();
      for (const sending of [onKilled, onFrozen]) sending.write(ndjson(items.slice(1, 3)));

      expect(await Promise.all([onKilled.ended(), onFrozen.ended()])).toEqual([3, 3]);
      expect(onKilled.stderr).toEqual([
        expect.stringMatching(/^lines 2 to 3 not stored: .* Nothing was written\./),
        'stored 1, already stored 0, refused 0, not stored 2, not read: all after line 3',
      ]);
      expect(onFrozen.stderr).toEqual([
        expect.stringMatching(/^line 2: .* may have been stored with the id 0-.*kitechat-sender message 0-/),
        expect.stringMatching(/^line 3: .* may have been stored with the id 0-/),
        'stored 1, already stored 0, refused 0, uncertain 2, not read: all after line 3',
      ]);
    });
  });
});
