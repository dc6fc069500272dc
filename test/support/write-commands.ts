import type { RedisClient } from '../../src/shared/redis/cluster.ts';

/** Returns the commands that may write and that the Redis has run since the statistics were last reset, also those of scripts. */
export async function writeCommands(redis: RedisClient): Promise<string[]> {
  const stats = await redis.info('commandstats');
  const names = [...stats.matchAll(/^cmdstat_([^:]+):/gm)].flatMap(([, name]) => name ?? []);
  const known = (await redis.call('COMMAND', 'INFO', ...names)) as ([string, number, string[]] | null)[];
  return names.filter((_name, at) => known[at]?.[2].includes('write'));
}
