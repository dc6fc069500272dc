import { isCluster, type RedisClient } from './cluster.ts';

/** A command with its arguments: `['llen', key]`. */
export type ReadCommand = [name: string, ...args: (string | number)[]];

/**
 * Runs many commands in one round trip.
 *
 * @returns the answers in the order of the commands.
 * @throws the error of the first command that failed.
 */
export async function readPipeline<Reply>(redis: RedisClient, commands: readonly ReadCommand[]): Promise<Reply[]> {
  if (commands.length === 0) return [];
  // A pipeline goes to one node, but while a slot moves, some of its keys are on another one.
  if (isCluster(redis)) {
    return (await Promise.all(commands.map(([name, ...args]) => redis.call(name, ...args)))) as Reply[];
  }
  const replies = (await redis.pipeline(commands.map((command) => [...command])).exec()) ?? [];
  return replies.map(([error, reply]) => {
    if (error) throw error;
    return reply as Reply;
  });
}
