import { Redis } from 'ioredis';
import { eventually } from '../../test/support/eventually.ts';
import { startProcess } from './process.ts';

const PROGRAM = new URL('../contestants/consumer-process.ts', import.meta.url);
const GROUP = 'bench';

/** Starts a process that consumes events, and waits until its group is there. */
export async function startConsumer(redisUrl: string): Promise<AsyncDisposable> {
  const consumer = await startProcess(PROGRAM, [redisUrl, GROUP]);
  const redis = new Redis(redisUrl);
  try {
    await eventually(
      'the group is there',
      async () => (await redis.hexists('{kitechat:0}:readers', `seen:${GROUP}`)) === 1,
    );
  } catch (error) {
    await consumer[Symbol.asyncDispose]();
    throw error;
  } finally {
    redis.disconnect();
  }
  return consumer;
}
