import type { Logger } from 'pino';
import type { Config } from '../../shared/config/config.ts';
import { ConfigError } from '../../shared/errors/errors.ts';
import { type Contents, type KeyFile, openKeyFile, problemsIn } from '../../shared/config/secret-file.ts';
import { parseKey, parsePageKeys } from './key-contents.ts';

/**
 * Finds the key for a page; asked before each attempt, so keep it quick. `undefined` means that there is none (yet): the
 * page's messages wait.
 */
export type ResolveApiKey = (pageId: string) => string | undefined | Promise<string | undefined>;

export interface KeySourceOptions extends Pick<Config, 'apiKey' | 'apiKeyFile' | 'apiKeysFile'> {
  logger: Logger;
}

/** The keys of a worker. */
export interface KeySource {
  /** The page's key of the last good versions of the files, else the one for every page. */
  resolveApiKey(pageId: string): string | undefined;
  /** Looks at the files no more. */
  close(): void;
}

const LOOK_AGAIN_MS = 1000;

/**
 * Reads the files with keys, and from then on reads them again when they change. What a broken new version held before
 * stays in use.
 *
 * @throws ConfigError with all that is wrong with the files. No problem quotes a path, a page or a key.
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

function logChange(logger: Logger, file: KeyFile<unknown>, contents: Contents<unknown>): void {
  if ('problems' in contents) {
    const problems = problemsIn(file, contents);
    logger.error(
      { problems },
      'a file with API keys has changed and can not be used; the keys from before stay in use',
    );
  } else {
    const pages = contents.value instanceof Map ? { pages: contents.value.size } : {};
    logger.info({ variable: file.variable, ...pages }, 'a file with API keys has changed and was read again');
  }
}

function repeat(look: () => Promise<void>): NodeJS.Timeout {
  let underWay = false;
  // Looks that a slow disk holds up must not pile up.
  const timer = setInterval(() => {
    if (underWay) return;
    underWay = true;
    void look().finally(() => (underWay = false));
  }, LOOK_AGAIN_MS);
  return timer.unref();
}
