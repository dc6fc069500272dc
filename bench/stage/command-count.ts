import { Redis } from 'ioredis';

/** Counts the commands that a Redis carries out. */
export interface CommandCount extends Disposable {
  /** Returns the number of commands so far, with those that scripts call, without those of this counter. */
  read(): Promise<number>;
}

export async function openCommandCount(redisUrl: string): Promise<CommandCount> {
  const redis = new Redis(redisUrl);
  await redis.info('commandstats');
  let own = 1;
  return {
    async read() {
      const calls = callsIn(await redis.info('commandstats')) - own;
      own += 1;
      return calls;
    },
    [Symbol.dispose]: () => redis.disconnect(),
  };
}

/** Returns the sum of the calls in the section "commandstats" of INFO. Redis counts a command in a script, and the script. */
export function callsIn(commandstats: string): number {
  return Array.from(commandstats.matchAll(/^cmdstat_[^:]+:calls=(\d+),/gm)).reduce(
    (sum, [, calls]) => sum + Number(calls),
    0,
  );
}
