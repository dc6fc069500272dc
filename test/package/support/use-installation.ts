import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect } from 'vitest';
import type { RedisServer } from '../../../src/testing/redis/redis-handle.ts';
import { startTestRedis } from '../../support/redis.ts';
import { install, type Installation } from '../../support/worker.ts';
import { run, type RunOptions } from './run.ts';

/** A Redis, a fake API, and a worker of the repository, for the programs of apps to send through. */
export interface UsedInstallation {
  /** What an app needs to store messages here: `REDIS_URL` and `KITECHAT_NAMESPACE`. */
  readonly env: Record<string, string>;
  /** The producer, fake API and dead letters of the repository. */
  readonly own: Installation;
  /**
   * Runs a program that sends the message `{ type: 'text', text: process.env.TEXT }` and prints the receipt's id as its last line,
   * and expects that the API has received exactly this message, once.
   */
  expectDelivery(command: string, args: readonly string[], options: RunOptions): Promise<void>;
  /** Expects that a message was delivered, and that the API has received exactly this text, once. */
  expectArrival(id: string, text: string): Promise<void>;
}

/** Called at the top of a file or of a `describe`. Without `worker`, the app has one. */
export function useInstallation({ worker = true } = {}): UsedInstallation {
  let server: RedisServer;
  let own: Installation;
  beforeAll(async () => {
    server = await startTestRedis();
    own = await install(server, { startWorker: worker });
  });
  afterAll(async () => {
    await own[Symbol.asyncDispose]();
    await server.stop();
  });

  const env = (): Record<string, string> => ({ REDIS_URL: server.url, KITECHAT_NAMESPACE: own.config.namespace ?? '' });
  const expectArrival = async (id: string, text: string): Promise<void> => {
    expect(id).toMatch(RECEIPT_ID);
    await own.until(id, 'delivered');
    const messages = own.api.accepted.map(({ message }) => message);
    const expected = { type: 'text', text };
    expect(messages.filter((message) => message.type === 'text' && message.text === text)).toEqual([expected]);
  };
  return {
    get env() {
      return env();
    },
    get own() {
      return own;
    },
    expectArrival,
    async expectDelivery(command, args, options) {
      const text = newText();
      const { stdout } = await run(command, args, { ...options, env: { ...env(), TEXT: text, ...options.env } });
      await expectArrival(stdout.trim().split('\n').at(-1) ?? '', text);
    },
  };
}

/** A text that no other message has. */
function newText(): string {
  return `Hello ${randomUUID()} – ü 🪁`;
}

const RECEIPT_ID = /^[0-9a-z]+-[0-9A-Z]{26}$/;
