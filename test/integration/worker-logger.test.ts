import { pino } from 'pino';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { createWorker, type WorkerLogger } from '../../src/worker/index.ts';
import { useRedis } from '../support/use-redis.ts';

describe('the logger of a worker', () => {
  const used = useRedis();

  it('needs four methods and gets fields and a text from each call', async () => {
    const calls: { level: string; fields: unknown; text: unknown }[] = [];
    const log =
      (level: string) =>
      (...[fields, text]: unknown[]): void =>
        void calls.push({ level, fields, text });
    const logger: WorkerLogger = { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') };
    const worker = createWorker({ redisUrl: used.url, namespace: 'logger', apiKey: 'key', logger });
    const ready = new Promise<void>((resolve) => {
      worker.on('ready', resolve);
    });
    const running = worker.run();
    await ready;
    await worker.close();
    await running;
    const said = calls.map(({ level, text }) => `${level}: ${String(text)}`);
    expect(said).toContain('info: the worker starts');
    expect(said).toContain('warn: Redis has no AOF: a crash of Redis loses messages. Set "appendonly yes".');
    expect(said).toContain('info: the worker has stopped');
    for (const { fields, text } of calls) {
      expect(fields).toBeTypeOf('object');
      expect(text).toBeTypeOf('string');
    }
  });

  it('can be one of pino', () => {
    expectTypeOf(pino()).toExtend<WorkerLogger>();
  });
});
