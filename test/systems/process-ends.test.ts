import { describe, expect, it } from 'vitest';
import { startFakeKitechat } from '../../src/testing/index.ts';
import { startCommand, stdinStaysOpen } from '../support/command-line.ts';
import { manyMessages } from '../support/messages.ts';
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
