import { describe, expect, it } from 'vitest';
import { randomPort } from '../../src/testing/redis/random-port.ts';
import { describeRedisUrl } from '../../src/shared/config/redis-addresses.ts';
import { calmStatus } from '../support/calm-status.ts';
import { installWithCli } from '../support/cli-installation.ts';
import { startCommand } from '../support/command-line.ts';
import { textMessage } from '../support/messages.ts';
import { startTestRedis } from '../support/redis.ts';
import { CTRL_C, startInTerminal } from '../support/terminal.ts';
import { useRedis } from '../support/use-redis.ts';

const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
/** What a terminal that is left as it was found was told last: wrapping, the cursor, the screen from before. */
const RESTORED = '␛[?7h␛[?25h␛[?1049l';

const server = useRedis();

function countOf(text: string, part: string): number {
  return text.split(part).length - 1;
}

describe.concurrent('kitechat-sender status --watch', () => {
  it('--json gives a line a second, with what status gives and how it moves, and SIGINT is its proper end', async () => {
    await using to = await installWithCli(server, { startWorker: false });
    await to.enqueue(textMessage('c1', 1));
    await using watching = startCommand(['status', '--watch', '--json'], to.env);
    await watching.lineWhere('stdout', (line) => line.includes('"queued":1,'));
    await to.enqueue(textMessage('c1', 2));
    await watching.lineWhere('stdout', (line) => line.includes('"queued":2,'));
    watching.kill('SIGINT');
    expect(await watching.ended()).toBe(0);
    expect(watching.stderr).toEqual([]);

    const looks = watching.stdout.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(looks[0]).toEqual({
      ...calmStatus,
      redis: describeRedisUrl(server.url),
      namespace: to.config.namespace,
      at: expect.stringMatching(ISO) as string,
      queued: 1,
      oldestQueuedMs: expect.any(Number) as number,
      deliveredPerSecond: 0,
      p50Ms: null,
      p95Ms: null,
      changePerSecond: { scheduled: 0, queued: 0, sending: 0, retrying: 0, held: 0, dead: 0 },
    });
    const last = looks.at(-1)?.['changePerSecond'] as Record<string, number>;
    expect(last['queued']).toBeGreaterThan(0);
    const seconds = (Date.parse(String(looks.at(-1)?.['at'])) - Date.parse(String(looks[0]?.['at']))) / 1000;
    expect(looks.length).toBeLessThanOrEqual(seconds + 2);
  });

  it('without a terminal it appends a table a second, and moves no cursor', async () => {
    await using to = await installWithCli(server, { startWorker: false });
    await to.enqueue(textMessage('c1', 1));
    await using watching = startCommand(['status', '--watch'], to.env);
    await watching.lineWhere('stdout', () => countOf(watching.stdout.join('\n'), 'messages  ') === 2);
    watching.kill('SIGTERM');
    expect(await watching.ended()).toBe(0);
    const [time, delivered, , redis, , head, messages, change] = watching.stdout;
    expect(time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    expect(delivered).toBe('Delivered 0.0 per second over 10 s.');
    expect(redis).toBe(`Redis: ${describeRedisUrl(server.url)}, namespace ${to.config.namespace}`);
    expect(head).toBe('            scheduled  queued  sending  retrying  held  dead');
    expect(messages).toBe('messages            0       1        0         0     0     0');
    expect(change).toBe('per second          0       0        0         0     0     0');
    expect(watching.stdout.join('\n')).not.toContain('\u001b');
  });

  it('on a terminal it draws in place, and leaves the terminal as it was found, with the last view', async () => {
    await using to = await installWithCli(server, { startWorker: false });
    await using terminal = startInTerminal(['status', '--watch'], to.env);
    await terminal.shows(/messages +0 +0 /);
    await to.enqueue(textMessage('c1', 1));
    await terminal.shows(/messages +0 +1 /);
    expect(terminal.output()).toContain('␛[?1049h');
    expect(terminal.output()).not.toContain(RESTORED);
    terminal.type(CTRL_C);
    expect(await terminal.ended()).toBe(0);
    const [, afterwards = ''] = terminal.output().split(RESTORED);
    expect(afterwards).toMatch(/messages +0 +1 /);
    expect(afterwards).not.toContain('␛');
  });

  it('restores the terminal also when it is the configuration that ends it', async () => {
    await using to = await installWithCli(server, { startWorker: false });
    await to.enqueue(textMessage('c1', 1));
    const env = { ...to.env, KITECHAT_SHARDS: '2' };
    await using terminal = startInTerminal(['status', '--watch'], env);
    expect(await terminal.ended()).toBe(2);
    expect(terminal.output()).toMatch(/␛\[\?1049l[^]*KITECHAT_SHARDS is 2, but/);
  });

  it('shows that Redis is away, and goes on when it is back', async () => {
    await using own = await startTestRedis();
    const env = { REDIS_URL: own.url };
    await using terminal = startInTerminal(['status', '--watch'], env);
    await using lines = startCommand(['status', '--watch', '--json'], env);
    await Promise.all([terminal.shows(/messages +0/), lines.lineWhere('stdout', () => true)]);
    await own.kill();
    await Promise.all([
      terminal.shows(/REDIS HAS NOT ANSWERED for [1-9]\d* s:[^]*Nothing could be read\.[^]*Status at 2/),
      lines.lineWhere('stderr', (line) => /Redis could not be .*Nothing could be read/.test(line)),
    ]);
    const before = [terminal.output().length, lines.stdout.length] as const;
    await own.restart();
    await terminal.shows(/Ctrl-C stops it(\r?\n␛\[2K){2}Delivered/, before[0]);
    await lines.lineWhere('stderr', (line) => line.endsWith('Redis answers again.'));
    await lines.lineWhere('stdout', () => lines.stdout.length > before[1]);
    expect(lines.stderr).toEqual([
      expect.stringContaining('Nothing could be read'),
      expect.stringMatching(/^2.*Z Redis answers again\.$/),
    ]);
    terminal.type(CTRL_C);
    lines.kill('SIGINT');
    expect(await Promise.all([terminal.ended(), lines.ended()])).toEqual([0, 0]);
  });

  it('waits for a Redis that was never there', async () => {
    const port = randomPort();
    await using watching = startCommand(['status', '--watch'], { REDIS_URL: `redis://:secret@127.0.0.1:${port}` });
    const told = await watching.lineWhere('stderr', (line) => line.includes('Nothing could be read'));
    expect(told).not.toContain('secret');
    watching.kill('SIGINT');
    expect(await watching.ended()).toBe(0);
    expect(watching.stdout).toEqual([]);
  });
});
