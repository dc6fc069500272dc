import { type Contents, openKeyFile, problemsIn, valueInFile } from '../shared/config/secret-file.ts';
import { ConfigError } from '../shared/errors/errors.ts';
import type { WorkerLogger } from '../shared/logging/worker-logger.ts';

/** The secrets that sign webhooks. */
export interface WebhookSecrets {
  /** Returns the secrets of the last valid version of the file. Reads the file again at most once a second. */
  current(): Promise<readonly Uint8Array[]>;
}

/** How problems name the file. */
const FILE = '--secret-file';
const LOOK_AGAIN_MS = 1000;
/** The receiver tries each signature, and a rotation needs two. */
const MOST_SECRETS = 10;
const MIN_BYTES = 24;
const MAX_BYTES = 64;
const SECRET = /^whsec_((?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?)$/;

/** Reads a file with one secret in each line. No problem quotes the file. */
export function parseWebhookSecrets(text: string): Contents<readonly Uint8Array[]> {
  const file = valueInFile(text, { isSecret: true });
  if ('problem' in file) return { problems: [file.problem] };
  const lines = file.value.split('\n').map((line) => line.trim());
  const secrets = lines.map((line) => (line === '' ? null : Buffer.from(SECRET.exec(line)?.[1] ?? '', 'base64')));
  const problems = secrets.flatMap((secret, index) =>
    secret === null || (secret.length >= MIN_BYTES && secret.length <= MAX_BYTES)
      ? []
      : [`line ${index + 1}: must be whsec_ and ${MIN_BYTES} to ${MAX_BYTES} random bytes in base64`],
  );
  if (problems.length > 0) return { problems: problems.slice(0, MOST_SECRETS) };
  const value = secrets.filter((secret) => secret !== null);
  return value.length <= MOST_SECRETS ? { value } : { problems: [`has more than ${MOST_SECRETS} secrets`] };
}

/**
 * Opens the file with the secrets. If a new version is not valid, the secrets from before stay in use.
 *
 * @throws ConfigError with all problems of the file. No problem quotes the file or its path.
 */
export function openWebhookSecrets(path: string, logger: WorkerLogger): WebhookSecrets {
  const file = openKeyFile({ variable: FILE, path, parse: parseWebhookSecrets });
  const problems = problemsIn(file, file.lookNow());
  if (problems.length > 0) throw new ConfigError(problems);
  let lookedAt = performance.now();

  return {
    async current() {
      if (performance.now() - lookedAt >= LOOK_AGAIN_MS) {
        lookedAt = performance.now();
        logChange(await file.look());
      }
      return file.current() ?? [];
    },
  };

  function logChange(contents: Contents<readonly Uint8Array[]> | null): void {
    if (contents === null) return;
    if ('problems' in contents) {
      logger.error(
        { problems: contents.problems },
        'the file with webhook secrets has changed and can not be used; the previous secrets stay in use. Correct the file',
      );
    } else {
      logger.info({ secrets: contents.value.length }, 'read the changed file with webhook secrets');
    }
  }
}
