import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createWorker } from '../../src/worker/index.ts';
import { startFakeKitechat } from '../../src/testing/index.ts';
import { startCommand, stdinStaysOpen } from '../support/command-line.ts';
import { manyMessages, textMessage } from '../support/messages.ts';
import { useFolder } from '../support/use-folder.ts';
import { useProducers } from '../support/use-producers.ts';

describe.concurrent('a process whose terminal is closed', () => {
  const used = useProducers();
  const on = (namespace: string): Record<string, string> => ({
    REDIS_URL: used.url,
    KITECHAT_NAMESPACE: namespace,
    KITECHAT_API_KEY: 'key',
  });

  it('lets twenty open requests end, if it is a worker: none is sent twice', async () => {
    await using api = await startFakeKitechat({ latencyMs: 2000 });
    await using producer = used.producerOf('hangup');
    const env = { ...on('hangup'), KITECHAT_API_URL: api.url };
    const stored = await producer.enqueueMessages(manyMessages(20, 1));
    await using worker = startCommand(['worker'], env);
    await api.waitForAccepted(20);
    worker.kill('SIGHUP');
    expect(await worker.ended()).toBe(0);
    for (const { id } of stored) expect(await producer.getMessage(id)).toMatchObject({ status: 'delivered' });
    expect(api.report()).toMatchObject({ accepted: 20, duplicates: { count: 0 } });
  });

  it.each([
    { args: ['console'], stream: 'stderr', starts: 'The console is at', exitCode: 0 },
    { args: ['fake-api', '--port', '0'], stream: 'stdout', starts: '{"url"', exitCode: 0 },
    { args: ['send'], stream: 'stdout', starts: '{"line"', exitCode: 130 },
  ] as const)('ends $args.0 as SIGTERM does', async ({ args, stream, starts, exitCode }) => {
    await using command = startCommand(args, { ...on('hangup-others'), KITECHAT_HTTP_PORT: '0' }, stdinStaysOpen);
    if (args[0] === 'send') command.write(`${JSON.stringify(manyMessages(1, 1)[0])}\n`);
    await command.lineWhere(stream, (line) => line.startsWith(starts));
    command.kill('SIGHUP');
    expect(await command.ended()).toBe(exitCode);
  });
});

describe.concurrent('an error that nothing handles', () => {
  const used = useProducers();
  const folder = useFolder();

  it.each([
    ['thrown', `setInterval(() => { throw new Error('CANARY'); }, 300)`],
    ['rejected', `setInterval(() => void Promise.reject(new Error('CANARY')), 300)`],
    ['rejected without an error', `setTimeout(() => void Promise.reject('CANARY'), 300)`],
  ])('%s in a hook lets open requests of the worker end, and ends it with one line', async (how, fault) => {
    const namespace = how.replaceAll(' ', '-');
    const hooks = join(folder, `${namespace}.mjs`);
    writeFileSync(hooks, `export const beforeSend = () => { ${fault}; };`);
    await using api = await startFakeKitechat({ latencyMs: 1000 });
    await using producer = used.producerOf(namespace);
    const { id } = await producer.enqueueMessage(textMessage('c1', 1));
    await using worker = startCommand(['worker', '--hooks', hooks], {
      REDIS_URL: used.url,
      KITECHAT_NAMESPACE: namespace,
      KITECHAT_API_URL: api.url,
      KITECHAT_API_KEY: 'key',
    });
    expect(await worker.ended()).toBe(1);
    expect(await producer.getMessage(id)).toMatchObject({ status: 'delivered' });
    const output = [...worker.stdout, ...worker.stderr].join('\n');
    const fatal = worker.stdout.filter((line) => line.includes('"level":"fatal"'));
    expect(fatal.map((line) => JSON.parse(line) as unknown)).toMatchObject([
      {
        msg: expect.stringContaining('an error that nothing handled') as string,
        err: { name: expect.any(String) as string },
      },
    ]);
    expect(worker.stderr).toEqual([]);
    expect(output).not.toContain('CANARY');
  });

  it('is not touched by createWorker in a program of its own, nor are signals and the end', async () => {
    const events = ['uncaughtException', 'unhandledRejection', 'SIGTERM', 'SIGINT', 'SIGHUP', 'exit', 'beforeExit'];
    const listeners = (): number[] => events.map((event) => process.listenerCount(event));
    const before = listeners();
    const worker = createWorker({ redisUrl: used.url, namespace: 'library', apiKey: 'key', logLevel: 'error' });
    const ready = new Promise<void>((resolve) => {
      worker.on('ready', resolve);
    });
    const running = worker.run();
    await ready;
    expect(listeners()).toEqual(before);
    await worker.close();
    await running;
  });
});
