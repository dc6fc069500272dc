import type { Redis } from 'ioredis';

/**
 * Adds a code to the error of a client whose sentinels name no primary that can be reached: `SENTINEL_UNKNOWN_NAME`, `SENTINEL_REFUSES` or
 * `SENTINELS_AWAY`. ioredis tells the reason only in texts.
 */
export function addSentinelCodes(redis: Redis): void {
  let code: string | undefined;
  redis.on('sentinelError', ({ message }: Error) => {
    if (message.includes('invalid reply')) code = 'SENTINEL_UNKNOWN_NAME';
    else if (/because (?:NOAUTH|WRONGPASS|NOPERM)/.test(message)) code = 'SENTINEL_REFUSES';
  });
  redis.on('connect', () => (code = undefined));
  redis.on('error', (error: Error) => {
    if (!error.message.startsWith('All sentinels are unreachable')) return;
    // The connector knows of a primary that a sentinel named.
    const { code: known } = error as { code?: string };
    Object.assign(error, { code: known ?? code ?? 'SENTINELS_AWAY' });
    code = undefined;
  });
}
