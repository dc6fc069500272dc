import type { ReadUrl, RedisAddress, RedisAddresses, RedisLogin } from './redis-place.ts';

type ServerAddresses = Extract<RedisAddresses, { kind: 'server' }>;

const ENCODED = 'with special characters of the password percent-encoded';
const FORM = `must look like redis://host:port or rediss://user:password@host:port, ${ENCODED}`;
const SENTINEL_FORM = `must look like redis+sentinel://user:password@host:port,host:port/name-of-the-primary, ${ENCODED}`;
const CLUSTER_FORM = `must look like redis+cluster://user:password@host:port,host:port, ${ENCODED}`;
const SOCKET_FORM = `must look like unix:///path/to/redis.sock or unix://user:password@/path/to/redis.sock, ${ENCODED}`;
const NO_DATABASE = 'must have no database number: a Redis Cluster has only database 0';

const REDIS_PORT = 6379;
const SENTINEL_PORT = 26_379;

/** Matches a comma among the hosts, but not one in a password. */
const HOST_LIST = /^rediss?:\/\/(?:[^/?#]*@)?[^@/?#]*,[^@/?#]*(?:[/?#]|$)/i;
/** Otherwise the beginning of a password with such a character would be read as the host, and shown to people. */
const CUT_OFF = /[?#].*@/;
const UNPRINTABLE = /[\p{Cc}\s]/u;
const DATABASE = /^\d{1,9}$/;
/** The names that Sentinel allows. */
const PRIMARY = /^[\w.-]+$/;

/** Reads the URL of one server: `redis://` or `rediss://`. */
export function readServerUrl(text: string): ReadUrl<ServerAddresses> {
  if (HOST_LIST.test(text)) {
    return {
      problem: 'must repeat redis:// before each address of a Redis Cluster: redis://host:port,redis://host:port',
    };
  }
  const url = /^rediss?:\/\//i.test(text) && !UNPRINTABLE.test(text) && !CUT_OFF.test(text) ? URL.parse(text) : null;
  const login = url && loginOf(url.username, url.password);
  if (!url?.hostname || !login) return { problem: FORM };
  if (!/^(?:\/\d{0,9})?$/.test(url.pathname)) {
    return { problem: 'must have a database number after the port, or nothing' };
  }
  const options = optionsOf(url.search, { db: DATABASE, family: /^[46]$/ });
  if (!options) return { problem: 'must have no options after "?" but db=NUMBER, and family=4 or family=6' };
  const inPath = url.pathname.slice(1);
  const database = Number(inPath === '' ? (options['db'] ?? 0) : inPath);
  const family = options['family'] && { family: options['family'] === '4' ? (4 as const) : (6 as const) };
  return {
    addresses: {
      kind: 'server',
      ...addressOf(url, REDIS_PORT),
      ...family,
      ...login,
      isTls: isTls(text),
      database,
    },
  };
}

/** Reads several URLs of nodes of a Redis Cluster. */
export function readRepeatedUrls(texts: readonly string[]): ReadUrl {
  if (texts.some((text) => /\?[^@]*$/.test(text))) {
    return { problem: 'must have no options after "?" in several addresses' };
  }
  const servers: ServerAddresses[] = [];
  for (const text of texts) {
    const read = readServerUrl(text);
    if ('problem' in read) return read;
    servers.push(read.addresses);
  }
  const differ = (part: 'isTls' | 'username' | 'password'): boolean =>
    new Set(servers.map((server) => server[part])).size > 1;
  if (servers.some(({ database }) => database !== 0)) return { problem: NO_DATABASE };
  if (differ('isTls')) return { problem: 'must have redis:// in all addresses, or rediss:// in all' };
  if (differ('username') || differ('password')) {
    return { problem: 'must have the same user and password in all addresses' };
  }
  const nodes = servers.map(({ host, port }) => ({ host, port }));
  const { username = '', password = '', isTls: withTls = false } = servers[0] ?? {};
  return { addresses: { kind: 'cluster', nodes, username, password, isTls: withTls, database: 0 } };
}

/** Reads `redis+cluster://`, with one node or several. */
export function readClusterUrl(text: string): ReadUrl {
  const parts = partsOf(text, REDIS_PORT);
  if (!parts || parts.search !== '') return { problem: CLUSTER_FORM };
  if (!/^\/?0?$/.test(parts.path)) return { problem: NO_DATABASE };
  return { addresses: { kind: 'cluster', nodes: parts.hosts, ...parts.login, isTls: isTls(text), database: 0 } };
}

/** Reads `redis+sentinel://`. */
export function readSentinelUrl(text: string): ReadUrl {
  const parts = partsOf(text, SENTINEL_PORT);
  const [, name = '', database = '0', ...rest] = parts?.path.split('/') ?? [];
  if (!parts || !PRIMARY.test(name) || rest.length > 0) return { problem: SENTINEL_FORM };
  if (!DATABASE.test(database || '0')) return { problem: 'must have a database number after the name, or nothing' };
  const options = optionsOf(parts.search, { sentinelUsername: /./, sentinelPassword: /./ });
  if (!options) return { problem: 'must have no options after "?" but sentinelUsername and sentinelPassword' };
  const { sentinelUsername = '', sentinelPassword = '' } = options;
  return {
    addresses: {
      kind: 'sentinel',
      sentinels: parts.hosts,
      name,
      sentinelLogin: { username: sentinelUsername, password: sentinelPassword },
      ...parts.login,
      isTls: isTls(text),
      database: Number(database),
    },
  };
}

/** Reads `unix://`, the URL of a socket on this machine. */
export function readSocketUrl(text: string): ReadUrl {
  const [, username = '', password = '', encodedPath = '', search = ''] =
    /^unix:\/\/(?:([^/?#@:]*)(?::([^/?#@]*))?@)?(\/[^?#@]+)(\?[^#@]*)?$/i.exec(text) ?? [];
  const path = decoded(encodedPath);
  const login = loginOf(username, password);
  if (!path || !login || UNPRINTABLE.test(text)) return { problem: SOCKET_FORM };
  const options = optionsOf(search, { db: DATABASE });
  if (!options) return { problem: 'must have no options after "?" but db=NUMBER' };
  return { addresses: { kind: 'socket', path, ...login, isTls: false, database: Number(options['db'] ?? 0) } };
}

interface Parts {
  login: RedisLogin;
  hosts: RedisAddress[];
  path: string;
  search: string;
}

/** Takes a URL with several hosts apart, which `URL` can't. */
function partsOf(text: string, defaultPort: number): Parts | null {
  const [, userinfo = '', hostList = '', path = '', search = ''] =
    /^[a-z+]+:\/\/(?:([^/?#@]*)@)?([^/?#@]+)(\/[^?#@]*)?(\?[^#@]*)?$/i.exec(text) ?? [];
  const [, username = '', password = ''] = /^([^:]*)(?::(.*))?$/.exec(userinfo) ?? [];
  const login = loginOf(username, password);
  const hosts = hostList.split(',').map((host) => {
    const url = UNPRINTABLE.test(host) ? null : URL.parse(`redis://${host}`);
    return url?.hostname ? addressOf(url, defaultPort) : null;
  });
  const known = hosts.filter((host) => host !== null);
  return login && known.length === hosts.length ? { login, hosts: known, path, search } : null;
}

function addressOf({ hostname, port }: URL, defaultPort: number): RedisAddress {
  // An IPv6 address has brackets only in a URL.
  return { host: hostname.replaceAll(/^\[|\]$/g, ''), port: Number(port || defaultPort) };
}

function loginOf(username: string, password: string): RedisLogin | null {
  const [name, secret] = [decoded(username), decoded(password)];
  return name === null || secret === null ? null : { username: name, password: secret };
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

/** Returns the options after the question mark; `null` if one is unknown, or has a value of another form. */
function optionsOf(search: string, allowed: Readonly<Record<string, RegExp>>): Record<string, string> | null {
  const options: Record<string, string> = {};
  for (const part of search.slice(1).split('&')) {
    if (part === '') continue;
    const [, name = '', value] = /^([^=]*)=(.*)$/.exec(part) ?? [];
    const text = decoded(value ?? '');
    if (text === null || !Object.hasOwn(allowed, name) || !allowed[name]?.test(text)) return null;
    options[name] = text;
  }
  return options;
}

function isTls(text: string): boolean {
  return /^rediss/i.test(text);
}
