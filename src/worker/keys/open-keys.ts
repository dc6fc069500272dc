import type { WorkerLogger } from '../../shared/logging/worker-logger.ts';
import type { Config } from '../../shared/config/config.ts';
import { ConfigError } from '../../shared/errors/errors.ts';
import type { Contents } from '../../shared/config/secret-file.ts';
import type { SealingKeys } from '../../shared/sealing/encryption-keys.ts';
import { demandKeysIfRequired, openSealing, type Sealing } from '../../shared/sealing/sealing.ts';
import { openKeySource, type ResolveApiKey } from './api-keys.ts';

export interface KeyOptions {
  config: Config;
  /** Replaces the files with API keys, which are then not read. */
  resolveApiKey: ResolveApiKey | undefined;
  logger: WorkerLogger;
}

/** The API keys and encryption keys of a worker. */
export interface Keys {
  resolveApiKey: ResolveApiKey;
  /** Names the variable, file or hook that a page's key comes from. */
  keySourceOf(pageId: string): string;
  sealing: Sealing;
  /** Stops watching the files with API keys. */
  close(): void;
}

/**
 * Reads all key files. They are read again when they change.
 *
 * @throws ConfigError with all problems of the files.
 */
export async function openKeys({ config, resolveApiKey, logger }: KeyOptions): Promise<Keys> {
  const [api, sealing] = await Promise.allSettled([
    resolveApiKey
      ? { resolveApiKey, keySourceOf: () => 'resolveApiKey', close() {} }
      : openKeySource({ ...config, logger }),
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

async function sealingOf(config: Config, logger: WorkerLogger): Promise<Sealing> {
  const sealing = openSealing(config, (contents) => logChange(logger, contents));
  demandKeysIfRequired(sealing);
  return sealing;
}

function logChange(logger: WorkerLogger, contents: Contents<SealingKeys>): void {
  if ('problems' in contents) {
    const { problems } = contents;
    logger.error(
      { problems },
      'the file with encryption keys has changed and can not be used; the previous keys stay in use. Correct the file',
    );
  } else {
    const { first, byId } = contents.value;
    logger.info({ keys: [...byId.keys()], first: first.id }, 'read the changed file with encryption keys');
  }
}
