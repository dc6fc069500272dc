import { describeRedisUrl } from './redis-addresses.ts';

/** Names the Redis and the namespace for people, without user and password. */
export function describeSite({ redisUrl, namespace }: { redisUrl: string; namespace: string }): string {
  return `${describeRedisUrl(redisUrl)}, namespace ${namespace}`;
}

/** Names the API for people, without what its URL may hold of a secret: user, password and query. */
export function describeApi(apiUrl: string): string {
  const { origin, pathname, search } = new URL(apiUrl);
  return `${origin}${pathname}${search === '' ? '' : '?…'}`;
}
