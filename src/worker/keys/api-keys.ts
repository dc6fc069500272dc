import type { WorkerLogger } from '../../shared/logging/worker-logger.ts';
import type { Config } from '../../shared/config/config.ts';
import { ConfigError } from '../../shared/errors/errors.ts';
import { type Contents, type KeyFile, openKeyFile, problemsIn } from '../../shared/config/secret-file.ts';
import { parseKey, parsePageKeys } from './key-contents.ts';

/**
 * Returns the API key for a page. Called before each attempt, so it should be fast. `undefined` means that the page has no key
 * (yet): its messages wait.
 */
export type ResolveApiKey = (pageId: string) => string | undefined | Promise<string | undefined>;

export interface KeySourceOptions extends Pick<Config, 'apiKey' | 'apiKeyFile' | 'apiKeysFile'> {
  logger: WorkerLogger;
}

/** The API keys of a worker. */
export interface KeySource {
  /** Returns the page's own key, otherwise the key for all pages, from the last valid versions of the files. */
  resolveApiKey(pageId: string): string | undefined;
  /** Names the variable that this key comes from, or should come from. */
  keySourceOf(pageId: string): string;
  /** Stops watching the files. */
  close(): void;
}

const LOOK_AGAIN_MS = 1000;

/**
 * Reads the key files, and reads them again whenever they change. If a new version is not valid, the keys from before stay in use.
 *
 * @throws ConfigError with all problems of the files. No problem quotes a path, a page or a key.
 */
export async function openKeySource(options: KeySourceOptions): Promise<KeySource> {
  const { apiKey, apiKeyFile, apiKeysFile, logger } = options;
  const oneKey = fileAt(apiKeyFile, 'KITECHAT_API_KEY_FILE', parseKey);
  const pageKeys = fileAt(apiKeysFile, 'KITECHAT_API_KEYS_FILE', parsePageKeys);
  const files: KeyFile<unknown>[] = [oneKey, pageKeys].filter((file) => file !== undefined);
  const problems = await Promise.all(files.map(async (file) => problemsIn(file, await file.look())));
  if (problems.flat().length > 0) throw new ConfigError(problems.flat());

  let closed = false;
  const lookAgain = async (file: KeyFile<unknown>): Promise<void> => {
    const contents = await file.look();
    if (contents !== null && !closed) logChange(logger, file, contents);
  };
  const timers = files.map((file) => repeat(() => lookAgain(file)));

  return {
    keySourceOf(pageId) {
      if (pageKeys?.current()?.has(pageId)) return 'KITECHAT_API_KEYS_FILE';
      if (oneKey?.current() !== undefined) return 'KITECHAT_API_KEY_FILE';
      return apiKey === undefined ? 'KITECHAT_API_KEYS_FILE' : 'KITECHAT_API_KEY';
    },
    resolveApiKey: (pageId) => pageKeys?.current()?.get(pageId) ?? oneKey?.current() ?? apiKey,
    close() {
      closed = true;
      for (const timer of timers) clearInterval(timer);
    },
  };
}

function fileAt<T>(path: string | undefined, variable: string, parse: (text: string) => Contents<T>) {
  return path === undefined ? undefined : openKeyFile({ variable, path, parse });
}

function logChange(logger: WorkerLogger, file: KeyFile<unknown>, contents: Contents<unknown>): void {
  if ('problems' in contents) {
    const problems = problemsIn(file, contents);
    logger.error(
      { problems },
      'a file with API keys has changed and can not be used; the previous keys stay in use. Correct the file',
    );
  } else {
    const pages = contents.value instanceof Map ? { pages: contents.value.size } : {};
    logger.info({ variable: file.variable, ...pages }, 'read a changed file with API keys');
  }
}

function repeat(look: () => Promise<void>): NodeJS.Timeout {
  let underWay = false;
  // With a slow disk, reads must not pile up.
  const timer = setInterval(() => {
    if (underWay) return;
    underWay = true;
    void look().finally(() => (underWay = false));
  }, LOOK_AGAIN_MS);
  return timer.unref();
}
