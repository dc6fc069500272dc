import type { Redis } from 'ioredis';
import { ConfigError } from '../errors/errors.ts';
import { describeSafely } from '../errors/safe-cause.ts';

/** Errors of SELECT that say that this database can't be used. Others pass, such as BUSY and LOADING. */
const LASTING = new Set(['ERR', 'NOPERM']);

/**
 * Makes sure that a connection and its duplicates become ready only with their database selected. After a refused SELECT, ioredis would go
 * on with database 0.
 *
 * @param refused gets a `ConfigError` if Redis doesn't have the database, or doesn't let this user select it
 */
export function demandDatabase(redis: Redis, refused: (error: ConfigError) => void): void {
  const select = redis.select.bind(redis);
  const selectOrLeave = async (database: number): Promise<'OK'> => {
    try {
      return await select(database);
    } catch (error) {
      const { name, code } = describeSafely(error);
      // The handshake itself deals with a login that was refused, and with a connection that was lost.
      if (name !== 'ReplyError' || code === undefined || code === 'NOAUTH') throw error;
      redis.disconnect(true);
      if (LASTING.has(code)) refused(refusedDatabase(database, error, code));
      // The handshake waits for this answer. If it ended, commands would follow.
      return await new Promise<never>(() => {});
    }
  };
  Object.assign(redis, { select: selectOrLeave });
  const duplicate = redis.duplicate.bind(redis);
  redis.duplicate = (...args) => {
    const twin = duplicate(...args);
    demandDatabase(twin, refused);
    return twin;
  };
}

function refusedDatabase(database: number, error: unknown, code: string): ConfigError {
  const reason = reasonOf(error, code);
  return new ConfigError([`REDIS_URL: database ${database} can't be used; nothing was read or written. ${reason}`]);
}

function reasonOf(error: unknown, code: string): string {
  if (code === 'NOPERM') {
    return "The Redis user has no right to SELECT: allow it with +select in the user's ACL, or use database 0";
  }
  if (error instanceof Error && /out of range|invalid DB index/i.test(error.message)) {
    return 'This Redis has no database with that number: use a lower one, or raise "databases" in its configuration';
  }
  return `SELECT is refused (${code}), as by proxies and clusters, which have only database 0: leave the number out`;
}
