import { fork } from 'node:child_process';
import { once } from 'node:events';
import { Queue } from 'bullmq';
import { connectPatiently } from '../../src/shared/redis.ts';
import { startRedisServer } from '../../src/testing/redis-server.ts';
import type { Contestant, ContestantOptions } from './contestant.ts';
import { usedMemory } from './used-memory.ts';

const STORED_AT_ONCE = 500;

/** What a team writes first: a BullMQ queue, a worker with an HTTP client, retries. Messages of a conversation overtake each other. */
export async function byHand(client: 'ky' | 'undici', { apiUrl, concurrency }: ContestantOptions): Promise<Contestant> {
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await startRedisServer({ appendOnly: true }));
  const redis = connectPatiently(server.url);
  stack.defer(() => redis.disconnect());
  const queue = new Queue('send', { connection: redis });
  stack.defer(async () => await queue.close());
  const owned = stack.move();
  return {
    name: `BullMQ + ${client}`,
    storePid: server.pid ?? 0,
    storedBytes: async () => await usedMemory(redis),
    async fill(requests) {
      for (let from = 0; from < requests.length; from += STORED_AT_ONCE) {
        await queue.addBulk(
          requests.slice(from, from + STORED_AT_ONCE).map((data) => ({
            name: 'message',
            data,
            opts: { attempts: 8, backoff: { type: 'exponential', delay: 1000 }, removeOnComplete: 1000 },
          })),
        );
      }
    },
    async startWorker() {
      const child = fork(
        new URL('by-hand-worker-process.ts', import.meta.url),
        [client, server.url, apiUrl, String(concurrency)],
        { execArgv: [] },
      );
      await once(child, 'message');
      return {
        pid: child.pid ?? 0,
        async [Symbol.asyncDispose]() {
          const exited = once(child, 'exit');
          child.kill('SIGKILL');
          await exited;
        },
      };
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
