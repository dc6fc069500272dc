import { describeSafely } from './safe-cause.ts';
import { isTlsCode, tlsAdvice } from './tls-advice.ts';

const REPLICA =
  'this Redis is a read-only replica; if that is no failover under way, set the URL of Redis to the primary, or to an address that leads to it';
export const ONE_NODE =
  'it is one node of a Redis Cluster; write its URL with redis+cluster:// (or rediss+cluster://), one node is enough';

/**
 * Codes with which a Redis refuses all writes for a time. Nothing was written then, and another Redis may be the primary by now, so
 * connections are opened again.
 */
const REFUSALS = new Set(['READONLY', 'MASTERDOWN', 'LOADING', 'NOREPLICAS', 'MISCONF', 'UNBLOCKED']);

/** Whether an error says that this Redis takes no writes for now, and that it has carried out nothing. */
export function isRefusal(error: unknown): boolean {
  const { name, code } = describeSafely(error);
  return name === 'ReplyError' && code !== undefined && REFUSALS.has(code);
}

/** Codes of other errors that pass without a change of the configuration. */
const PASSING = new Set(['OOM', 'BUSY', 'CLUSTERDOWN', 'TRYAGAIN']);

/** Whether a command that Redis answered with this error may succeed later. */
export function isPassing(error: unknown): boolean {
  return isRefusal(error) || PASSING.has(describeSafely(error).code ?? '');
}

/** What the error codes of Node and Redis mean for the configuration. */
const advice: Readonly<Record<string, string>> = {
  WRONGPASS: 'the user or the password in the URL of Redis is wrong',
  NOAUTH: 'it requires a user and a password; write them into its URL, as user:password@ after the "//"',
  READONLY: REPLICA,
  MASTERDOWN: REPLICA,
  LOADING: 'this Redis is still loading its data from disk, and answers when that has ended',
  NOREPLICAS:
    'this Redis takes no writes because too few replicas follow it (min-replicas-to-write); bring its replicas back, or check whether another Redis is the primary now',
  MISCONF:
    "this Redis takes no writes because it can't write its snapshot to disk (stop-writes-on-bgsave-error); look into its log and free its disk",
  OOM: 'this Redis has no memory left (its maxmemory); workers go on, and nothing new is stored until there is some: see "A full Redis" in docs/operations.md',
  NOPERM: 'the Redis user lacks a right; ops/redis-acl/users.acl lists the rights that each role needs',
  NOT_REDIS:
    'what listens there does not answer like a Redis; check the host and the port, and write rediss:// if it expects TLS',
  SILENT: 'it accepts connections but does not answer; check whether it hangs, and whether a Redis listens there',
  RESET_AT_ONCE: 'it closed the connection at once; if it expects TLS on this port, write rediss://',
  ENOTDIR: 'the path in its URL goes on behind a file; write the number of a database as ?db=3',
  MOVED: ONE_NODE,
  NO_CLUSTER: 'it is a single Redis, no cluster; write its URL with redis:// (or rediss://)',
  SENTINELS_AWAY: 'none of its sentinels answers; check the hosts and ports in its URL',
  SENTINEL_PRIMARY_AWAY:
    'its sentinels answer, but the primary that they name now can not be reached; they may be choosing a new one; if it lasts, check that primary, and REDIS_NAT_MAP if its address is not reachable from here',
  SENTINEL_UNKNOWN_NAME: 'its sentinels know no primary of that name; check the name after the hosts in its URL',
  SENTINEL_REFUSES:
    'its sentinels refuse the login, which is not that of Redis: write it into the URL as ?sentinelUsername=USER&sentinelPassword=PASSWORD',
  ...tlsAdvice,
};

/** Returns what a connection met that did not become ready, as a clause. */
export function describeAttempt(error: unknown): string {
  const { name, code = '' } = describeSafely(error);
  if (isRefusal(error)) return `Redis refuses ${/^(?:LOADING|MASTERDOWN)$/.test(code) ? 'commands' : 'writes'} now`;
  if (code === 'WRONGPASS' || code === 'NOAUTH') return 'Redis refused the login';
  if (isTlsCode(code)) return 'The TLS handshake with Redis failed';
  return name === 'ReplyError' ? 'Redis refused the connection' : 'Redis could not be reached in time';
}

/** Returns advice on an error of Redis or of its connection, as a clause; `undefined` if the code says enough. */
export function adviceOn(error: unknown): string | undefined {
  const { code } = describeSafely(error);
  return code !== undefined && Object.hasOwn(advice, code) ? advice[code] : undefined;
}
