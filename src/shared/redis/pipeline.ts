import { isCluster, type RedisClient } from './cluster.ts';

/** A command with its arguments: `['llen', key]`. */
export type ReadCommand = [name: string, ...args: (string | number)[]];

/**
 * Asks many questions in one round trip.
 *
 * @returns the answers in the order of the commands.
 * @throws whatever the first one that failed was answered.
 */
export async function readPipeline<Reply>(redis: RedisClient, commands: readonly ReadCommand[]): Promise<Reply[]> {
  if (commands.length === 0) return [];
  // While a slot moves, each key is at one node or the other, and a pipeline goes to one.
  if (isCluster(redis)) {
    return (await Promise.all(commands.map(([name, ...args]) => redis.call(name, ...args)))) as Reply[];
  }
  const replies = (await redis.pipeline(commands.map((command) => [...command])).exec()) ?? [];
  return replies.map(([error, reply]) => {
    if (error) throw error;
    return reply as Reply;
  });
}
