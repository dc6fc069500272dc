import { readFileSync, statSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { ConfigError } from '../errors/errors.ts';
import { parseNatMap } from './nat-map.ts';
import { parseRedisAddresses, redisUrlProblem } from './redis-addresses.ts';
import type { RedisAddress, RedisAddresses } from './redis-place.ts';
import type { RedisConnectionOptions } from './redis-options.ts';
import { type FileValue, unreadableFile, valueInFile } from './secret-file.ts';
import { readTlsFiles, type TlsOptions } from './tls-files.ts';

/** The settings that say how to reach Redis. */
export interface RedisSettings extends Omit<RedisConnectionOptions, 'redisUrl'> {
  redisUrl: string;
  /** The file that the URL was read from. It is read again before each connection. */
  redisUrlFile?: string | undefined;
}

/** Where Redis is, and what a connection to it uses. */
export interface RedisAccess {
  addresses: RedisAddresses;
  /** `undefined` for a connection without TLS. */
  tls: TlsOptions | undefined;
  natMap: Readonly<Record<string, RedisAddress>> | undefined;
}

/**
 * Reads the files and addresses that the settings name.
 *
 * @throws ConfigError with all problems, for files that can't be used, and for settings that have no effect on this kind of Redis.
 */
export function readRedisAccess(settings: RedisSettings): RedisAccess {
  const addresses = parseRedisAddresses(settings.redisUrl);
  const { redisCaFile, redisCertFile, redisKeyFile, redisNatMap } = settings;
  const files = {
    ca: { variable: 'REDIS_CA_FILE', path: redisCaFile },
    cert: { variable: 'REDIS_CERT_FILE', path: redisCertFile },
    key: { variable: 'REDIS_KEY_FILE', path: redisKeyFile },
  };
  const problems: string[] = [];
  for (const { variable, path } of Object.values(files)) {
    if (path === undefined) continue;
    if (!addresses.isTls) {
      problems.push(`${variable}: has no effect without TLS: begin REDIS_URL with rediss, or leave it out`);
    } else if (isPipe(path)) {
      problems.push(
        `${variable}: names a pipe, which can be read only once: name a file, which each connection reads again`,
      );
    }
  }
  if ((redisCertFile === undefined) !== (redisKeyFile === undefined)) {
    problems.push('REDIS_CERT_FILE: goes together with REDIS_KEY_FILE: set both or none');
  }
  const hasNat = addresses.kind === 'cluster' || addresses.kind === 'sentinel';
  if (redisNatMap !== undefined && !hasNat) {
    problems.push('REDIS_NAT_MAP: has an effect only on a Redis Cluster and on Sentinel: leave it out');
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return {
    addresses,
    tls: addresses.isTls ? readTlsFiles(files) : undefined,
    natMap: redisNatMap === undefined ? undefined : (parseNatMap(redisNatMap) ?? undefined),
  };
}

/** What was last read for some settings. Each new connection begins with it, since the files may be gone by then. */
const latest = new WeakMap<RedisSettings, RedisAccess>();

/**
 * Returns the access with the login that the file of the URL holds now, or held when it could last be read.
 *
 * @throws ConfigError as `readRedisAccess`
 */
export function currentAccess(settings: RedisSettings): RedisAccess {
  return renewedAccess(settings, latest.get(settings) ?? readRedisAccess(settings));
}

/**
 * Returns the access with the users, passwords and certificates that the files hold now. A file that can't be used now changes nothing.
 * Another address or database needs a restart: some connections of a process would use it, and others not.
 *
 * @param noteProblem called with each thing in the files that can't be used
 */
export function renewedAccess(
  settings: RedisSettings,
  before: RedisAccess,
  noteProblem: (problem: string) => void = () => {},
): RedisAccess {
  let { addresses, tls } = before;
  const url = urlNow(settings);
  if ('problem' in url) {
    noteProblem(`REDIS_URL_FILE: ${url.problem}`);
  } else {
    const now = parseRedisAddresses(url.value);
    addresses = withLoginOf(now, addresses);
    if (!isDeepStrictEqual(now, addresses)) {
      noteProblem(
        'REDIS_URL_FILE: names another address, database or kind of connection than at the start, which needs a restart',
      );
    }
  }
  try {
    ({ tls } = readRedisAccess(settings));
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    error.problems.forEach(noteProblem);
  }
  const access = { ...before, addresses, tls };
  latest.set(settings, access);
  return access;
}

function withLoginOf(now: RedisAddresses, before: RedisAddresses): RedisAddresses {
  const { kind, isTls, username, password } = now;
  if (kind !== before.kind || isTls !== before.isTls) return before;
  return { ...before, username, password, ...(kind === 'sentinel' && { sentinelLogin: now.sentinelLogin }) };
}

function urlNow({ redisUrl, redisUrlFile }: RedisSettings): FileValue {
  if (redisUrlFile === undefined || isPipe(redisUrlFile)) return { value: redisUrl };
  try {
    const read = valueInFile(readFileSync(redisUrlFile, 'utf8'));
    const problem = 'value' in read ? redisUrlProblem(read.value) : undefined;
    return problem === undefined ? read : { problem: `names a file whose content ${problem}` };
  } catch (error) {
    return unreadableFile(error);
  }
}

/** Whether a path leads to a pipe, such as a shell's `<(…)`; reading it again could block forever. */
function isPipe(path: string): boolean {
  try {
    return statSync(path).isFIFO();
  } catch {
    return false;
  }
}
