import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { createProducer, KitechatSenderError, QueueUnavailableError } from '../../src/producer/index.ts';
import { eventually } from '../support/eventually.ts';
import { textMessage } from '../support/messages.ts';
import { startTestRedis } from '../support/redis.ts';
import { afterMs, settled } from '../support/settled.ts';
import { useProducers } from '../support/use-producers.ts';

const script = new URL('../support/enqueuing-process.ts', import.meta.url).pathname;

interface Run {
  said: unknown;
  exitCode: number | null;
  /** From its only output to its end. */
  lingeredMs: number;
}

/** Runs the script to its end; nothing ends it from outside. */
async function runScript(env: Record<string, string>): Promise<Run> {
  const child = spawn(process.execPath, [script], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  let saidAt = 0;
  child.stdout.once('data', () => (saidAt = performance.now()));
  const [[exitCode], output] = await Promise.all([once(child, 'exit') as Promise<[number | null]>, text(child.stdout)]);
  return { said: JSON.parse(output), exitCode, lingeredMs: performance.now() - saidAt };
}

describe('the end of a producer', () => {
  const used = useProducers();

  it('is not needed: a script that enqueues and closes nothing ends by itself', async () => {
    const { said, exitCode, lingeredMs } = await runScript({ REDIS_URL: used.url, KITECHAT_NAMESPACE: 'script' });
    expect(said).toMatchObject({ duplicate: false });
    expect(exitCode).toBe(0);
    expect(lingeredMs).toBeLessThan(30_000);
  });

  it('comes by itself without Redis, too: refused, frozen, or a configuration that cannot work', async () => {
    await using away = await startTestRedis();
    await using frozen = await startTestRedis();
    await away.kill();
    await frozen.pause();
    const runs = await Promise.all([
      runScript({ REDIS_URL: away.url }),
      runScript({ REDIS_URL: frozen.url }),
      runScript({ REDIS_URL: 'nonsense' }),
    ]);
    expect(runs.map(({ said }) => said)).toEqual([
      { error: 'QueueUnavailableError' },
      { error: 'QueueUnavailableError' },
      { error: 'ConfigError' },
    ]);
    for (const { exitCode, lingeredMs } of runs) {
      expect(exitCode).toBe(0);
      expect(lingeredMs).toBeLessThan(30_000);
    }
  });

  it('lets a program end whose Redis went away after the last call', async () => {
    await using redis = await startTestRedis();
    const source = `
      import { createProducer } from ${JSON.stringify(new URL('../../src/producer/index.ts', import.meta.url).href)};
      const producer = createProducer({ redisUrl: process.env.REDIS_URL });
      await producer.enqueueMessage(${JSON.stringify(textMessage('c1', 1))});
      process.stdin.once('data', () => process.stdin.destroy());
      console.log('stored');`;
    const child = spawn(process.execPath, ['--input-type=module-typescript', '--eval', source], {
      env: { REDIS_URL: redis.url },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    await redis.kill();
    // It tries to connect again now, or it would, if anybody asked for it.
    await afterMs(300);
    child.stdin.write('end\n');
    const start = performance.now();
    await once(child, 'exit');
    expect(performance.now() - start).toBeLessThan(30_000);
    expect(child.exitCode).toBe(0);
  });

  it('waits for the calls under way and takes no more', async () => {
    const producer = used.producerOf('closing');
    const calls = Array.from({ length: 200 }, (_, n) => settled(producer.enqueueMessage(textMessage('c1', n))));
    const batch = settled(producer.enqueueMessages(Array.from({ length: 600 }, (_, n) => textMessage('c2', n))));
    const closed = producer.close();
    const late = [
      settled(producer.enqueueMessage(textMessage('c1', 201))),
      settled(producer.enqueueMessages([textMessage('c1', 202)])),
      settled(producer.getMessage('0-01JD0000000000000000000000')),
    ];
    await closed;
    expect((await Promise.all(calls)).filter(({ value }) => value)).toHaveLength(200);
    expect((await batch).value).toHaveLength(600);
    late.push(settled(producer.enqueueMessage(textMessage('c1', 203))));
    for (const { error } of await Promise.all(late)) {
      expect(error).toBeInstanceOf(QueueUnavailableError);
      expect((error as KitechatSenderError).message).toBe(
        'This producer was closed. Nothing was written. Make another one.',
      );
    }
    await producer.close();
  });

  it('comes with the end of its scope, used or not, and leaves no connection behind', async () => {
    const before = process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;
    {
      await using unused = used.producerOf('scope');
      await using producer = used.producerOf('scope');
      await producer.enqueueMessage(textMessage('c1', 1));
      expect(unused).toBeDefined();
    }
    await eventually(
      'the connection is closed',
      () => process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length <= before,
    );
    const { enqueueMessage, ...rest } = used.producerOf('scope');
    await enqueueMessage(textMessage('c1', 2));
    await rest[Symbol.asyncDispose]();
    expect((await settled(enqueueMessage(textMessage('c1', 3)))).error).toBeInstanceOf(QueueUnavailableError);
  });

  it('is not held up by a Redis that is away or frozen', async () => {
    await using redis = await startTestRedis();
    const config = { redisUrl: redis.url, namespace: 'held-up', enqueueTimeoutMs: 500 };
    const opened = createProducer(config);
    await opened.enqueueMessage(textMessage('c1', 1));
    await redis.pause();
    const fresh = createProducer(config);
    const calls = [opened, fresh].map((producer) => settled(producer.enqueueMessage(textMessage('c1', 2))));
    for (const producer of [opened, fresh]) expect((await settled(producer.close())).ms).toBeLessThan(30_000);
    for (const { error } of await Promise.all(calls)) expect(error).toBeInstanceOf(KitechatSenderError);
    await redis.kill();
    const away = createProducer(config);
    const call = settled(away.enqueueMessage(textMessage('c1', 3)));
    expect((await settled(away.close())).ms).toBeLessThan(30_000);
    expect((await call).error).toBeInstanceOf(QueueUnavailableError);
  });
});
