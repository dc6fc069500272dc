import { isDeepStrictEqual } from 'node:util';
import type { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { createProducer } from '../../src/producer/index.ts';
import type { ForeignSettings } from '../../src/shared/lanes/foreign-settings.ts';
import { startFakeKitechat } from '../../src/testing/index.ts';
import { jsonLinesOf } from '../support/cli-installation.ts';
import { eventually } from '../support/eventually.ts';
import { type HttpProcess, startHttpProcess } from '../support/http-process.ts';
import { manyMessages, textMessage } from '../support/messages.ts';
import { runCommand } from '../support/run-command.ts';
import { startSecuredRedis } from '../support/secured-redis.ts';
import { tried } from '../support/tried.ts';

const SEND = '{kitechat:0}:send:';

describe("BullMQ's settings of its queues, if somebody writes them who may", () => {
  const settings: Record<string, { write(redis: Redis): Promise<unknown>; shown: ForeignSettings[] }> = {
    'a pause, a limit and a concurrency': {
      shown: (['send', 'dead'] as const).map((queue) => ({
        shard: 0,
        queue,
        settings: ['paused', 'max', 'duration', 'concurrency', 'limiter'],
      })),
      write: async (redis) => {
        for (const queue of ['send', 'dead']) {
          const root = `{kitechat:0}:${queue}:`;
          await redis.hset(`${root}meta`, { paused: 1, max: 1, duration: 3_600_000, concurrency: 1 });
          await redis.set(`${root}limiter`, 99, 'PX', 3_600_000);
        }
      },
    },
    'texts in their place': {
      shown: [{ shard: 0, queue: 'send', settings: ['meta', 'limiter'] }],
      write: async (redis) => {
        for (const name of ['meta', 'limiter', 'paused']) await redis.set(`${SEND}${name}`, 'x');
      },
    },
  };

  it.each(Object.entries(settings))(
    '%s: running and new workers go on, are alive, and nothing is held; all see the settings until they are removed',
    async (_, { write, shown }) => {
      await using redis = await startSecuredRedis();
      await using api = await startFakeKitechat({ latencyMs: 50 });
      const env = {
        REDIS_URL: redis.urlOf('kitechat-worker'),
        KITECHAT_API_URL: api.url,
        KITECHAT_API_KEY: 'key',
        KITECHAT_CONCURRENCY: '20',
      };
      const operator = { REDIS_URL: redis.urlOf('kitechat-operator') };
      await using first = await startHttpProcess('worker', env);
      await using producer = createProducer({ redisUrl: redis.urlOf('kitechat-producer') });
      await producer.enqueueMessage(textMessage('c1', 1));
      await eventually('it delivers', () => api.requests.length === 1);
      await redis.admin.del(`${SEND}meta`);
      await write(redis.admin);
      const expectGoesOn = async (worker: HttpProcess): Promise<void> => {
        await eventually('it is ready', async () => (await worker.ask('/readyz')).status === 200);
        const before = api.requests.length;
        await producer.enqueueMessages(manyMessages(60, 1));
        await eventually('all are delivered', () => api.requests.length === before + 60);
        expect((await worker.ask('/healthz')).status).toBe(200);
        const [status] = jsonLinesOf(await runCommand(['status', '--json'], operator));
        expect(status).toMatchObject({ queued: 0, held: 0, holds: [], foreignSettings: shown });
        const board = await worker.ask('/queues/api/queues?activeQueue=send&status=latest&page=1&jobsPerPage=10');
        expect([board.status, board.body.includes('"isPaused":true')]).toEqual([200, false]);
      };
      await expectGoesOn(first);
      first.kill('SIGTERM');
      expect(await first.ended()).toBe(0);
      await using second = await startHttpProcess('worker', env);
      await expectGoesOn(second);

      const told = async (): Promise<unknown> => ({
        status: (await runCommand(['status'], operator)).stdout.some((line) =>
          line.includes('"kitechat-sender repair"'),
        ),
        console: (await second.ask('/', { accept: 'text/html' })).body.includes('action="/repair"'),
        metric: /^kitechat_sender_foreign_settings (\d+)$/m.exec((await second.ask('/metrics')).body)?.[1],
      });
      const changed = shown.reduce((total, one) => total + one.settings.length, 0);
      expect(await told()).toEqual({ status: true, console: true, metric: String(changed) });
      const [repaired] = jsonLinesOf(await runCommand(['repair', '--json'], operator));
      expect(repaired).toEqual({ removed: shown });
      await eventually('nothing is told', async () =>
        isDeepStrictEqual(await told(), { status: false, console: false, metric: '0' }),
      );
      const again = await runCommand(['repair'], operator);
      expect([again.exitCode, again.stdout]).toEqual([0, [expect.stringContaining('nothing to repair')]]);
      tried({
        against: 'redis',
        input:
          'settings of BullMQ, and texts in their place, written by an administrator beside a running and a new worker',
        count: 2,
        result:
          '60 of 60 delivered, `/healthz` answers, nothing held, the queues show no pause; `status`, overview and metrics name the settings until `repair` removes them',
        before: 'the console showed a pause, or failed; "nothing needs attention"',
      });
    },
    30_000,
  );
});
