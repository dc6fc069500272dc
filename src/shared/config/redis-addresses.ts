import { readClusterUrl, readRepeatedUrls, readSentinelUrl, readServerUrl, readSocketUrl } from './redis-url-forms.ts';
import type { ReadUrl, RedisAddress, RedisAddresses } from './redis-place.ts';

/** Matches a comma between two whole URLs, but not one in a password. */
const NEXT_URL = /,\s*(?=rediss?:\/\/)/i;

function readRedisUrl(text: string): ReadUrl {
  if (/^rediss?\+sentinel:/i.test(text)) return readSentinelUrl(text);
  if (/^rediss?\+cluster:/i.test(text)) return readClusterUrl(text);
  if (/^unix:/i.test(text)) return readSocketUrl(text);
  const [first = '', ...others] = text.split(NEXT_URL);
  return others.length === 0 ? readServerUrl(first) : readRepeatedUrls([first, ...others]);
}

/** Returns what is wrong with a value of `REDIS_URL`, as a clause that doesn't quote it; `undefined` if nothing is. */
export function redisUrlProblem(text: string): string | undefined {
  const read = readRedisUrl(text);
  return 'problem' in read ? read.problem : undefined;
}

/** Reads a text for which `redisUrlProblem` found no problem. */
export function parseRedisAddresses(text: string): RedisAddresses {
  const read = readRedisUrl(text);
  if ('problem' in read) throw new Error('parseRedisAddresses got a text that redisUrlProblem refuses');
  return read.addresses;
}

/** Returns the URL without users and passwords, to show to people; with the port and the database, also if they are the defaults. */
export function describeRedisUrl(text: string): string {
  const addresses = parseRedisAddresses(text);
  const scheme = addresses.isTls ? 'rediss' : 'redis';
  switch (addresses.kind) {
    case 'server':
      return `${scheme}://${hostAndPort(addresses)}/${addresses.database}`;
    case 'socket':
      return `unix://${encodeURI(addresses.path)}?db=${addresses.database}`;
    case 'cluster':
      return `${scheme}+cluster://${addresses.nodes.map(hostAndPort).join(',')}`;
    case 'sentinel':
      return `${scheme}+sentinel://${addresses.sentinels.map(hostAndPort).join(',')}/${addresses.name}/${addresses.database}`;
  }
}

function hostAndPort({ host, port }: RedisAddress): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
