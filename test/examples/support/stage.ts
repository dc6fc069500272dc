import { join } from 'node:path';
import { inject } from 'vitest';
import { createProducer, type MessageRecord, type Producer } from '../../../src/producer/index.ts';
import type { RedisServer } from '../../../src/testing/redis/redis-handle.ts';
import { type FakeKitechat, type FakeKitechatOptions, startFakeKitechat } from '../../../src/testing/index.ts';
import { manifest } from '../../package/support/repository.ts';
import { type CommandProcess, type CommandResult, startNode } from '../../support/command-line.ts';
import { eventually } from '../../support/eventually.ts';
import { startTestRedis } from '../../support/redis.ts';

/** What an example needs around it: a Redis, the fake API, and workers of the installed package. */
export interface Stage {
  redis: RedisServer;
  api: FakeKitechat;
  /** Of the installation, to look at it from outside. */
  producer: Producer;
  /** Runs an example to its end. */
  run(file: string, args?: readonly string[], env?: Record<string, string>): Promise<CommandResult>;
  /** Starts one that goes on until it is told to end; it ends with the stage at the latest. */
  start(file: string, args?: readonly string[], env?: Record<string, string>): CommandProcess;
  /** Runs `kitechat-sender` to its end. */
  command(...args: readonly string[]): Promise<CommandResult>;
  /** Starts a worker, and waits until it takes messages. */
  startWorker(env?: Record<string, string>): Promise<void>;
  until(id: string, status: MessageRecord['status']): Promise<MessageRecord>;
  [Symbol.asyncDispose](): Promise<void>;
}

const commandFile = join(inject('project'), 'node_modules', manifest.name, manifest.bin['kitechat-sender'] ?? '');

export async function setStage(options: FakeKitechatOptions = {}): Promise<Stage> {
  const stack = new AsyncDisposableStack();
  const redis = stack.use(await startTestRedis());
  const api = stack.use(await startFakeKitechat(options));
  const producer = stack.use(createProducer({ redisUrl: redis.url }));
  const common = {
    REDIS_URL: redis.url,
    KITECHAT_API_URL: api.url,
    KITECHAT_API_KEY: 'key',
    // Retries come as soon as they may.
    KITECHAT_BACKOFF_MS: '20',
  };

  const start: Stage['start'] = (file, args = [], env = {}) =>
    stack.use(startNode([join(inject('examples'), file), ...args], { ...common, ...env }));
  const toEnd = async (process: CommandProcess): Promise<CommandResult> => ({
    exitCode: await process.ended(),
    stdout: [...process.stdout],
    stderr: [...process.stderr],
  });

  return {
    redis,
    api,
    producer,
    start,
    run: async (file, args, env) => await toEnd(start(file, args, env)),
    command: async (...args) => await toEnd(stack.use(startNode([commandFile, ...args], common))),
    async startWorker(env = {}) {
      const worker = stack.use(startNode([commandFile, 'worker'], { ...common, ...env }));
      await worker.lineWhere('stdout', (line) => line.includes('taking messages'));
    },
    until: async (id, status) =>
      await eventually(`message ${id} is ${status}`, async () => {
        const record = await producer.getMessage(id);
        return record?.status === status && record;
      }),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}
