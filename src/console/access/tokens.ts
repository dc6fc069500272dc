import type { Config } from '../../shared/config/config.ts';
import { isWeakToken, WEAK_TOKEN } from '../../shared/config/exposures.ts';
import { openKeyFile, problemsIn } from '../../shared/config/secret-file.ts';
import { ConfigError } from '../../shared/errors/errors.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import { type NamedToken, parseTokens } from '../rights/token-list.ts';

/** The tokens of a console. */
export interface ConsoleTokens {
  /** The tokens that let in now; `null` if the console needs none. */
  current(): readonly NamedToken[] | null;
  /** Reads the file again, if there is one and it was not read in the last second. */
  refresh(): Promise<void>;
}

/** A removed token is refused after this time. */
const REREAD_MS = 1000;
/** The name of the one token that `KITECHAT_CONSOLE_TOKEN` gives. */
const ONLY_TOKEN = 'token';

/**
 * Opens the tokens. A new version of the file that can't be used is logged, and the tokens stay as they were.
 *
 * @throws ConfigError if the file can't be used at the start.
 */
export function openTokens(
  { consoleToken, consoleTokensFile: path }: Pick<Config, 'consoleToken' | 'consoleTokensFile'>,
  log: Logger,
  now: () => number = Date.now,
): ConsoleTokens {
  const only = consoleToken === undefined ? null : onlyToken(consoleToken);
  if (path === undefined) return { current: () => only, refresh: async () => {} };

  const file = openKeyFile({ variable: 'KITECHAT_CONSOLE_TOKENS_FILE', path, parse: parseTokens });
  const problems = problemsIn(file, file.lookNow());
  if (problems.length > 0) throw new ConfigError(problems);
  let readAt = now();
  warnOfWeak();

  function warnOfWeak(): void {
    const names = file.current()?.flatMap(({ name, token }) => (isWeakToken(token) ? [name] : [])) ?? [];
    if (names.length > 0) log.warn({ names }, `${file.variable}: a token ${WEAK_TOKEN}`);
  }

  return {
    current: () => file.current() ?? [],
    async refresh() {
      const elapsedMs = now() - readAt;
      if (elapsedMs >= 0 && elapsedMs < REREAD_MS) return;
      readAt = now();
      const contents = await file.look();
      if (contents === null) return;
      if ('problems' in contents) {
        log.error(
          { problems: contents.problems },
          `${file.variable} has changed and can't be used: the tokens stay as they were`,
        );
        return;
      }
      log.info(
        { names: contents.value.map(({ name }) => name) },
        `${file.variable} has changed: these tokens are valid`,
      );
      warnOfWeak();
    },
  };
}

function onlyToken(token: string): readonly NamedToken[] {
  return [{ name: ONLY_TOKEN, token, role: 'admin', pages: null }];
}
