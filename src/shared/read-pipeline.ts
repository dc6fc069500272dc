import type { Redis } from 'ioredis';

/** A command with its arguments: `['llen', key]`. */
export type ReadCommand = [name: string, ...args: (string | number)[]];

/**
 * Asks many questions in one round trip.
 *
 * @returns the answers in the order of the commands.
 * @throws whatever the first one that failed was answered.
 */
export async function readPipeline<Reply>(redis: Redis, commands: readonly ReadCommand[]): Promise<Reply[]> {
  if (commands.length === 0) return [];
  const replies = (await redis.pipeline(commands.map((command) => [...command])).exec()) ?? [];
  return replies.map(([error, reply]) => {
    if (error) throw error;
    return reply as Reply;
  });
}
