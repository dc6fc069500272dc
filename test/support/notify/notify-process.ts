import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RedisClient } from '../../../src/shared/redis/cluster.ts';
import { type CommandProcess, startCommand } from '../command-line.ts';
import { eventually } from '../eventually.ts';
import type { Installation } from '../worker.ts';
import type { WebhookReceiver } from './webhook-receiver.ts';

export interface NotifyProcessOptions {
  installation: Pick<Installation, 'config'>;
  receiver: Pick<WebhookReceiver, 'url' | 'secret'>;
  /** Where the file with the secret is written. */
  folder: string;
  redis: RedisClient;
  args?: readonly string[];
  env?: Record<string, string>;
}

/** A process that delivers webhooks, with its log. */
export interface NotifyProcess extends CommandProcess {
  lines(): Record<string, unknown>[];
  /** The options that name its receiver. */
  toReceiver: readonly string[];
}

/** Starts `kitechat-sender notify`, and waits until its group is there, so that each event after that comes. */
export async function startNotify(options: NotifyProcessOptions): Promise<NotifyProcess> {
  const { installation, receiver, folder, redis, args = [], env = {} } = options;
  const { redisUrl = '', namespace = '' } = installation.config;
  const file = join(folder, `secret-of-${namespace}`);
  writeFileSync(file, receiver.secret, { mode: 0o600 });
  const toReceiver = ['--url', receiver.url, '--secret-file', file];
  const process = startCommand(['notify', ...toReceiver, ...args], {
    REDIS_URL: redisUrl,
    KITECHAT_NAMESPACE: namespace,
    ...env,
  });
  try {
    const isThere = async (): Promise<boolean> =>
      (await redis.hexists(`{${namespace}:0}:readers`, 'seen:notify')) === 1;
    await eventually('the group is there', isThere);
    const lines = (): Record<string, unknown>[] =>
      process.stdout.map((line) => JSON.parse(line) as Record<string, unknown>);
    return Object.assign(process, { lines, toReceiver });
  } catch (error) {
    await process[Symbol.asyncDispose]();
    throw error;
  }
}
