/** Matches a comma among the hosts, but not one in a password. */
const HOST_LIST = /^rediss?:\/\/(?:[^/?#]*@)?[^@/?#]*,[^@/?#]*(?:[/?#]|$)/i;
const NEXT_ADDRESS = /,\s*(?=rediss?:\/\/)/i;

const FORM =
  'must look like redis://host:port or rediss://user:password@host:port, with special characters of the password percent-encoded';

/** One Redis, or some nodes of a Redis Cluster. */
export interface RedisAddresses {
  isCluster: boolean;
  nodes: { host: string; port: number }[];
  isTls: boolean;
  username: string;
  password: string;
}

/**
 * Returns what is wrong with the text, as a clause; `undefined` if nothing is. No problem quotes the text, which may contain a password.
 *
 * @param text one URL, or several, separated by commas, for nodes of a Redis Cluster
 */
export function redisUrlProblem(text: string): string | undefined {
  const addresses = text.split(NEXT_ADDRESS);
  if (addresses.some((address) => HOST_LIST.test(address))) {
    return 'must repeat redis:// before each address of a Redis Cluster: redis://host:port,redis://host:port';
  }
  const problem = addresses.map(problemOfOne).find((found) => found !== undefined);
  return problem ?? (addresses.length > 1 ? problemOfCluster(addresses) : undefined);
}

function problemOfOne(text: string): string | undefined {
  const url = /^rediss?:\/\//i.test(text) && !/[\p{Cc}\s]/u.test(text) ? URL.parse(text) : null;
  // Otherwise the beginning of a password with such a character would be read as the host, and shown to people.
  const isCutOff = /[?#].*@/.test(text);
  if (!url?.hostname || isCutOff || !isDecodable(url.username) || !isDecodable(url.password)) return FORM;
  return /^(?:\/\d*)?$/.test(url.pathname) ? undefined : 'must have a database number after the port, or nothing';
}

function problemOfCluster(addresses: readonly string[]): string | undefined {
  const urls = addresses.map((address) => new URL(address));
  const isSame = (part: 'protocol' | 'username' | 'password'): boolean =>
    new Set(urls.map((url) => url[part])).size === 1;
  if (!isSame('protocol')) return 'must have redis:// in all addresses, or rediss:// in all';
  if (!isSame('username') || !isSame('password')) return 'must have the same user and password in all addresses';
  const hasDatabase = urls.some(({ pathname }) => !/^\/?0?$/.test(pathname));
  if (hasDatabase) return 'must have no database number: a Redis Cluster has only database 0';
  return urls.some(({ search }) => search !== '') ? 'must have no options after "?" in several addresses' : undefined;
}

/** Whether the text can be decoded. If not, ioredis throws an error that quotes the whole URL. */
function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

/** Reads a text for which `redisUrlProblem` found no problem. */
export function parseRedisAddresses(text: string): RedisAddresses {
  const urls = text.split(NEXT_ADDRESS).map((address) => new URL(address));
  const [first] = urls;
  return {
    isCluster: urls.length > 1,
    // An IPv6 address has brackets only in a URL.
    nodes: urls.map(({ hostname, port }) => ({
      host: hostname.replaceAll(/^\[|\]$/g, ''),
      port: Number(port || 6379),
    })),
    isTls: first?.protocol === 'rediss:',
    username: decodeURIComponent(first?.username ?? ''),
    password: decodeURIComponent(first?.password ?? ''),
  };
}

/** Returns the addresses without user and password, to show to people. */
export function describeRedisUrl(text: string): string {
  return text
    .split(NEXT_ADDRESS)
    .map((address) => new URL(address))
    .map(({ protocol, host, pathname }) => `${protocol}//${host}${pathname}`)
    .join(',');
}
