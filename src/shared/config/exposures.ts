import { realpathSync, statSync } from 'node:fs';
import type { Config } from './config.ts';
import { isLoopbackHost } from './loopback.ts';

const OTHERS_READ = 0o004;
const OTHERS_WRITE = 0o002;
/**
 * Where container engines mount secrets: Docker and Podman in `/run/secrets` with 0444, Kubernetes anywhere with 0644, through a folder
 * of versions such as `..2026_11_30_10_00_00.123`. Everybody in such a container is the process itself.
 */
const MOUNTED_SECRET = /^(?:\/var)?\/run\/secrets\/|\/\.\.\d{4}_[^/]+\//;

/** Of random tokens of 16 characters, about one in 300 of digits and one in 30,000 of hex digits has fewer. */
const MIN_DIFFERENT_CHARACTERS = 6;
/** What to say of a weak token, after its name. */
export const WEAK_TOKEN = `has fewer than ${MIN_DIFFERENT_CHARACTERS} different characters and can be guessed; use the output of "openssl rand -hex 32"`;

/** The files with secrets, by the variable that names each. */
const secretFiles = {
  redisUrlFile: 'REDIS_URL_FILE',
  redisKeyFile: 'REDIS_KEY_FILE',
  apiKeyFile: 'KITECHAT_API_KEY_FILE',
  apiKeysFile: 'KITECHAT_API_KEYS_FILE',
  apiCertKeyFile: 'KITECHAT_API_CERT_KEY_FILE',
  encryptionKeysFile: 'KITECHAT_ENCRYPTION_KEYS_FILE',
} as const satisfies Partial<Record<keyof Config, string>>;

/** Returns a warning for each setting of a worker that lets others have its secrets. None quotes a path or a value. */
export function exposuresOfWorker(config: Config): string[] {
  return [...exposureOfApi(config.apiUrl), ...exposuresOfFiles(config, keysOf(secretFiles))];
}

/** Returns the same for a console that runs without a worker, which has no key of the API. */
export function exposuresOfConsole(config: Config): string[] {
  return exposuresOfFiles(config, ['redisUrlFile', 'redisKeyFile', 'encryptionKeysFile']);
}

/** Returns the same for the token or the tokens of a console, of a worker or on its own. The console judges the tokens of its file. */
export function exposuresOfToken({
  consoleToken,
  consoleTokenFile,
  consoleTokensFile,
}: Pick<Config, 'consoleToken' | 'consoleTokenFile' | 'consoleTokensFile'>): string[] {
  const isWeak = consoleToken !== undefined && isWeakToken(consoleToken);
  return [
    ...(isWeak ? [`KITECHAT_CONSOLE_TOKEN (or its file) ${WEAK_TOKEN}`] : []),
    ...exposureOfFile('KITECHAT_CONSOLE_TOKEN_FILE', consoleTokenFile),
    ...exposureOfFile('KITECHAT_CONSOLE_TOKENS_FILE', consoleTokensFile),
  ];
}

export function isWeakToken(token: string): boolean {
  return new Set(token).size < MIN_DIFFERENT_CHARACTERS;
}

function exposureOfApi(apiUrl: string): string[] {
  const { protocol, hostname } = new URL(apiUrl);
  if (protocol !== 'http:' || isLoopbackHost(hostname)) return [];
  return [
    'KITECHAT_API_URL begins with http:// and leads off this machine: others on the network can read the key and the messages; use https://',
  ];
}

function exposuresOfFiles(config: Config, keys: readonly (keyof typeof secretFiles)[]): string[] {
  return keys.flatMap((key) => exposureOfFile(secretFiles[key], config[key]));
}

/** @param variable the variable or the option that names the file */
export function exposureOfFile(variable: string, path: string | undefined): string[] {
  const access = path === undefined ? null : accessOfOthers(path);
  if (access === null) return [];
  return [`${variable} names a file that every user of this machine can ${access}; run chmod o-rwx on it`];
}

/** Returns what every user may do with a file and should not. A file that can't be read is not judged here: its reader says so. */
function accessOfOthers(path: string): 'change' | 'read' | null {
  // Windows has no modes: Node makes them up.
  if (process.platform === 'win32') return null;
  try {
    const stats = statSync(path);
    // A pipe is read only once, and by this process.
    if (!stats.isFile()) return null;
    if (stats.mode & OTHERS_WRITE) return 'change';
    if (stats.mode & OTHERS_READ && ![path, realpathSync(path)].some((one) => MOUNTED_SECRET.test(one))) return 'read';
    return null;
  } catch {
    return null;
  }
}

function keysOf<Key extends string>(record: Record<Key, unknown>): Key[] {
  return Object.keys(record) as Key[];
}
