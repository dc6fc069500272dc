import type { RedisClient } from '../../src/shared/redis/cluster.ts';

/** The number of commands that a Redis has run so far. */
export interface CommandCounts {
  /** Calls of scripts. */
  scripts: number;
  /** All commands, also those that scripts made. */
  all: number;
}

export async function commandCounts(redis: RedisClient): Promise<CommandCounts> {
  const lines = (await redis.info('commandstats')).split('\r\n');
  const counts: CommandCounts = { scripts: 0, all: 0 };
  for (const line of lines) {
    const [, name = '', calls = '0'] = /^cmdstat_([^:]+):calls=(\d+)/.exec(line) ?? [];
    if (name === 'evalsha') counts.scripts += Number(calls);
    counts.all += Number(calls);
  }
  return counts;
}
