import type { Logger } from 'pino';
import type { Config } from '../../shared/config/config.ts';
import { ConfigError } from '../../shared/errors/errors.ts';
import type { Contents } from '../../shared/config/secret-file.ts';
import type { SealingKeys } from '../../shared/sealing/keys.ts';
import { openSealing, type Sealing } from '../../shared/sealing/sealing.ts';
import { openKeySource, type ResolveApiKey } from './api-keys.ts';

export interface KeyOptions {
  config: Config;
  /** In place of the files with API keys, which are not read then. */
  resolveApiKey: ResolveApiKey | undefined;
  logger: Logger;
}

/** All keys of a worker. */
export interface Keys {
  resolveApiKey: ResolveApiKey;
  sealing: Sealing;
  /** Looks at the files with API keys no more. */
  close(): void;
}

/**
 * Reads all files with keys, and sees to it that they are read again when they change.
 *
 * @throws ConfigError with all that is wrong with them.
 */
export async function openKeys({ config, resolveApiKey, logger }: KeyOptions): Promise<Keys> {
  const [api, sealing] = await Promise.allSettled([
    resolveApiKey ? { resolveApiKey, close() {} } : openKeySource({ ...config, logger }),
    sealingOf(config, logger),
  ]);
  if (api.status === 'fulfilled' && sealing.status === 'fulfilled') return { ...api.value, sealing: sealing.value };
  if (api.status === 'fulfilled') api.value.close();
  throw new ConfigError([...problemsOf(api), ...problemsOf(sealing)]);
}

function problemsOf(opened: PromiseSettledResult<unknown>): readonly string[] {
  if (opened.status === 'fulfilled') return [];
  if (opened.reason instanceof ConfigError) return opened.reason.problems;
  throw opened.reason;
}

async function sealingOf(config: Config, logger: Logger): Promise<Sealing> {
  return openSealing(config, (contents) => logChange(logger, contents));
}

function logChange(logger: Logger, contents: Contents<SealingKeys>): void {
  if ('problems' in contents) {
    const { problems } = contents;
    logger.error(
      { problems },
      'the file with encryption keys has changed and can not be used; the keys from before stay in use',
    );
  } else {
    const { first, byId } = contents.value;
    logger.info(
      { keys: [...byId.keys()], first: first.id },
      'the file with encryption keys has changed and was read again',
    );
  }
}
