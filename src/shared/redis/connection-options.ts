import type { RedisOptions } from 'ioredis';
import type { RedisAccess } from '../config/redis-access.ts';

/** How long one sentinel may take to answer, with the connection to it. Then the next one is asked. */
const SENTINEL_ANSWER_MS = 1000;

type Options = Omit<RedisOptions, 'replyMapping'>;
type SentinelLogin = Pick<
  RedisOptions,
  'sentinelUsername' | 'sentinelPassword' | 'sentinelTLS' | 'enableTLSForSentinelMode'
>;
type Login = SentinelLogin & Pick<RedisOptions, 'username' | 'password' | 'tls'>;

/** Returns the options of ioredis that a new login or certificate replaces. */
export function loginOptions(access: RedisAccess): Login {
  const { addresses, tls } = access;
  const { username, password } = addresses;
  return { username, password, ...(tls && { tls: { ...tls } }), ...sentinelLogin(access) };
}

function sentinelLogin({ addresses, tls }: RedisAccess): SentinelLogin {
  if (addresses.kind !== 'sentinel') return {};
  const { username, password } = addresses.sentinelLogin;
  return {
    sentinelUsername: username,
    sentinelPassword: password,
    ...(tls && { sentinelTLS: { ...tls }, enableTLSForSentinelMode: true }),
  };
}

/** Returns the options of ioredis for one server, a socket, or the primary that sentinels name. */
export function connectionOptions(
  access: RedisAccess,
  /** The pause after all sentinels were asked in vain. */
  sentinelRetryStrategy: (times: number) => number,
): Options {
  return {
    ...loginOptions(access),
    db: access.addresses.database,
    ...placeOf(access, sentinelRetryStrategy),
  };
}

function placeOf({ addresses, natMap }: RedisAccess, sentinelRetryStrategy: (times: number) => number): Options {
  switch (addresses.kind) {
    case 'server': {
      const { host, port, family } = addresses;
      return { host, port, ...(family && { family }) };
    }
    case 'socket':
      return { path: addresses.path };
    case 'sentinel':
      return {
        sentinels: addresses.sentinels,
        name: addresses.name,
        role: 'master',
        sentinelRetryStrategy,
        sentinelCommandTimeout: SENTINEL_ANSWER_MS,
        // Sentinels name each other by addresses that may not be reachable from here.
        updateSentinels: false,
        ...(natMap && { natMap }),
      };
    case 'cluster':
      throw new Error('a cluster has no single connection');
  }
}
