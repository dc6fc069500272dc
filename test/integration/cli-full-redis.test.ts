import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RedisServer } from '../../src/testing/redis/redis-handle.ts';
import { startConsole } from '../support/console.ts';
import { installWithDead } from '../support/dead-installation.ts';
import { eventually } from '../support/eventually.ts';
import { jsonLinesOf, onlyJsonOf } from '../support/cli-installation.ts';
import { textMessage } from '../support/messages.ts';
import { startTestRedis } from '../support/redis.ts';
import { runCommand } from '../support/run-command.ts';

describe('in a Redis without memory', () => {
  const stack = new AsyncDisposableStack();
  let server: RedisServer;
  let admin: Redis;
  beforeAll(async () => {
    server = stack.use(await startTestRedis());
    admin = stack.adopt(new Redis(server.url), (redis) => redis.disconnect());
  });
  afterAll(async () => await stack.disposeAsync());

  it("an operator's commands work, and only those that store messages are refused", async () => {
    await using to = await installWithDead(server, { rejected: 2 });
    const held = await to.enqueue({ ...textMessage('later', 1), delayMs: 3_600_000 });
    await admin.config('SET', 'maxmemory', '1');
    try {
      expect(await to.cli('hold', '--page', 'p1')).toMatchObject({ exitCode: 0 });
      expect(onlyJsonOf(await to.cli('status', '--json'))).toMatchObject({ scheduled: 1, dead: 2 });
      expect(await to.cli('release', '--page', 'p1')).toMatchObject({ exitCode: 0 });
      expect(await to.cli('limits', 'set', '--rate', '1000/s')).toMatchObject({ exitCode: 0 });
      expect(await to.cli('limits', 'show')).toMatchObject({ exitCode: 0 });
      expect(onlyJsonOf(await to.cli('message', held, '--json'))).toMatchObject({ status: 'scheduled' });
      expect(await to.cli('cancel', held)).toMatchObject({ exitCode: 0 });

      const [first, second] = jsonLinesOf(await to.cli('dead-letters', 'list', '--json')).map(({ id }) => String(id));
      expect(await to.cli('dead-letters', 'show', String(first))).toMatchObject({ exitCode: 0 });
      expect(jsonLinesOf(await to.cli('dead-letters', 'export'))).toHaveLength(2);
      const replayed = await to.cli('dead-letters', 'replay', '--id', String(first));
      expect(replayed).toMatchObject({ exitCode: 1 });
      expect(replayed.stderr.join('\n')).toContain('The queue is full: Redis');
      expect(await to.cli('dead-letters', 'discard', '--id', String(second), '--yes')).toMatchObject({ exitCode: 0 });
      expect(await to.deadLetters.count()).toBe(1);

      const input = Array.from({ length: 200 }, (_, n) => JSON.stringify(textMessage('c1', n))).join('\n');
      const sent = await runCommand(['send'], to.env, input);
      expect(sent).toMatchObject({ exitCode: 1, stdout: [] });
      expect(sent.stderr.length).toBeLessThan(10);
      expect(sent.stderr[0]).toMatch(/^line 1: The queue is full: Redis/);
      expect(sent.stderr.at(-1)).toBe('stored 0, already stored 0, refused 200');

      await using desk = await startConsole(to.config);
      for (const path of ['/', '/pages', '/workers', '/dead-letters']) {
        expect(await desk.visitor.get(path)).toMatchObject({ status: 200 });
      }
    } finally {
      await admin.config('SET', 'maxmemory', '0');
    }
  });

  it('a worker that starts then delivers what waits', async () => {
    await using to = await installWithDead(server, { rejected: 1 });
    const ids = await Promise.all([1, 2, 3].map((n) => to.enqueue({ ...textMessage(`c${n}`, 1), delayMs: 300 })));
    await admin.config('SET', 'maxmemory', '1');
    try {
      to.startWorker();
      await eventually('all are delivered', () => to.api.accepted.length === ids.length);
      expect(to.engineErrors).toEqual([]);
    } finally {
      await admin.config('SET', 'maxmemory', '0');
    }
  });
});
