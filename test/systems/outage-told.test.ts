import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { judgeHealth } from '../../src/console/observe/health.ts';
import type { KitechatWorker } from '../../src/worker/index.ts';
import { eventually } from '../support/eventually.ts';
import { textMessage } from '../support/messages.ts';
import { startTestRedis } from '../support/redis.ts';
import { useFolder } from '../support/use-folder.ts';
import { install, type Installation } from '../support/worker.ts';

const folder = useFolder();

/** A logger that keeps the lines about Redis. */
function redisLog() {
  const lines: string[] = [];
  const logger = pino({ level: 'info' }, { write: (line: string) => lines.push(line) });
  const about = (): string[] =>
    lines
      .map((line) => (JSON.parse(line) as { msg: string }).msg)
      .filter((text) => /Redis|REDIS/.test(text) && !text.includes('AOF'));
  return { logger, about };
}

const notReady = (worker: KitechatWorker): string | null =>
  judgeHealth({ worker: worker.health(), redisAnswers: true }).notReady;

async function deliver(site: Installation): Promise<void> {
  // A call of the moment in which a connection ends fails.
  const stored = async (): Promise<string | null> => await site.enqueue(textMessage('c1', 1)).catch(() => null);
  await site.until(await eventually('a message is stored', stored, 15_000), 'delivered');
}

describe.concurrent('a Redis that accepts connections but does not answer', () => {
  const [silent, back] = [/^Redis is away .*does not answer/, /^Redis is back$/];
  const expected = [expect.stringMatching(silent), expect.stringMatching(back)];

  it('is told once within seconds by a running worker, and so is its return', async () => {
    await using server = await startTestRedis();
    const { logger, about } = redisLog();
    await using site = await install(server, { hooks: { logger } });
    await deliver(site);
    await server.pause();
    await eventually('it is told', () => about().length > 0, 15_000);
    await server.resume();
    await eventually('its return is told', () => about().length > 1, 15_000);
    await deliver(site);
    expect(about()).toEqual(expected);
  });

  it('is told by a worker that starts', async () => {
    await using server = await startTestRedis();
    const { logger, about } = redisLog();
    await using site = await install(server, { startWorker: false });
    await server.pause();
    const worker = site.startWorker({ logger });
    await eventually('it is told', () => about().length > 0, 15_000);
    expect(notReady(worker)).toBe('Redis is away (SILENT)');
    await server.resume();
    await deliver(site);
    expect(about()).toEqual(expected);
  });
});

describe('a login that was changed', () => {
  it('stays in use when the file of the URL is gone or garbled later, which is told with its reason', async () => {
    await using server = await startTestRedis();
    const admin = new Redis(server.url);
    const { port } = new URL(server.url);
    const url = (password: string, database = 0): string => `redis://app:${password}@127.0.0.1:${port}/${database}`;
    const redisUrlFile = join(folder, 'url');
    const acl = async (...rules: string[]): Promise<unknown> => await admin.call('ACL', 'SETUSER', 'app', ...rules);
    const endConnections = async (): Promise<unknown> => await admin.call('CLIENT', 'KILL', 'USER', 'app');
    await acl('on', '>p1', '~*', '&*', '+@all');
    writeFileSync(redisUrlFile, url('p1'));
    const { logger, about } = redisLog();
    await using site = await install({ url: url('p1') }, { config: { redisUrlFile }, hooks: { logger } });
    await deliver(site);
    await acl('resetpass', '>p2');
    writeFileSync(redisUrlFile, url('p2'));
    await endConnections();
    await deliver(site);
    for (const [change, problem] of [
      [() => rmSync(redisUrlFile), "REDIS_URL_FILE: names a file that can't be read (ENOENT); the worker keeps"],
      [() => writeFileSync(redisUrlFile, 'oops'), 'REDIS_URL_FILE: names a file whose content must'],
      [() => writeFileSync(redisUrlFile, url('p2', 3)), 'REDIS_URL_FILE: names another address'],
    ] as const) {
      change();
      for (let outage = 0; outage < 2; outage += 1) {
        await endConnections();
        await deliver(site);
      }
      const lines = about().filter((line) => line.startsWith('REDIS_URL_FILE'));
      expect(lines.filter((line) => line.startsWith(problem))).toHaveLength(1);
    }
    expect(about().filter((line) => line.includes('password in the URL'))).toEqual([]);
    admin.disconnect();
  });
});

describe('a worker that Redis refuses', () => {
  it('says why when it is asked whether it is ready', async () => {
    await using server = await startTestRedis();
    const admin = new Redis(server.url);
    const { port } = new URL(server.url);
    const acl = async (...rules: string[]): Promise<unknown> => await admin.call('ACL', 'SETUSER', 'app', ...rules);
    await acl('on', '>p1', '~*', '&*', '+@all');
    await using site = await install({ url: `redis://app:p1@127.0.0.1:${port}/5` }, { startWorker: false });
    const { logger, about } = redisLog();
    const worker = site.startWorker({ logger });
    await deliver(site);
    for (const [refuse, allow, reason] of [
      [['resetpass', '>p2'], ['>p1'], /^Redis is away \(WRONGPASS\)$/],
      [['-select'], ['+select'], /^Redis is away \(REDIS_URL: database 5 can't be used/],
    ] as const) {
      await acl(...refuse);
      await admin.call('CLIENT', 'KILL', 'USER', 'app');
      await eventually('the reason is told', () => reason.test(notReady(worker) ?? ''), 15_000);
      await acl(...allow);
      await eventually('it is ready', () => notReady(worker) === null, 15_000);
    }
    await deliver(site);
    expect(about().filter((line) => line.startsWith('BullMQ'))).toEqual([]);
    admin.disconnect();
  });
});
