import type { RedisAddress } from './redis-place.ts';

export const NAT_MAP_RULE = 'must look like 10.0.0.1:6379=127.0.0.1:7001,10.0.0.2:6379=127.0.0.1:7002';

/**
 * Reads the addresses under which the servers that Redis names are reached from here.
 *
 * @returns addresses by the announced `host:port`; `null` if the text has another form.
 */
export function parseNatMap(text: string): Record<string, RedisAddress> | null {
  const map: Record<string, RedisAddress> = {};
  for (const entry of text.split(',')) {
    const [announced, reached, ...rest] = entry.trim().split('=').map(addressOf);
    if (!announced || !reached || rest.length > 0) return null;
    map[`${announced.host}:${announced.port}`] = reached;
  }
  return map;
}

function addressOf(text: string): RedisAddress | null {
  const [, host, bracketed, port] = /^(?:([^\s:[\]@/]+)|\[([\da-f:.]+)\]):(\d{1,5})$/i.exec(text) ?? [];
  const name = host ?? bracketed;
  // node:net throws on such a port, after which ioredis makes no other attempt.
  if (name === undefined || port === undefined || Number(port) > 65_535) return null;
  return { host: name, port: Number(port) };
}
