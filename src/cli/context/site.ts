import { type Config, type Environment, isGiven, loadConfig } from '../../shared/config/config.ts';
import { describeSite } from '../../shared/config/site.ts';
import { shardsKey } from '../../shared/lanes/key-names.ts';
import { deadlineIn } from '../../shared/redis/deadline.ts';
import { createSession } from '../../shared/session/session.ts';
import { type CommandContext, line } from './context.ts';

/** Names the Redis and the namespace of a command, and says if it is the default Redis because nobody has chosen one. */
export function siteOf(env: Environment, config: Config): string {
  return `${describeSite(config)}${isGiven(env, 'redisUrl') ? '' : ' (the default, because REDIS_URL is not set)'}`;
}

/**
 * Reads the settings of a command, and tells people which Redis it uses.
 *
 * @throws ConfigError
 */
export function loadSite({ env, stderr }: CommandContext): Config {
  const config = loadConfig(env);
  line(stderr, `Redis: ${siteOf(env, config)}`);
  return config;
}

/** With a wrong URL or namespace, an installation looks like one in which nothing happens. */
export function describeUnused(): string {
  return 'No kitechat-sender has used this namespace there yet. Are REDIS_URL and KITECHAT_NAMESPACE right?';
}

/** For a command that has found nothing: says on `stderr` if no process has used the namespace. */
export async function tellIfUnused({ stderr }: CommandContext, config: Config): Promise<void> {
  const session = createSession(config);
  try {
    const isUsed = await session.read(0, deadlineIn(config.enqueueTimeoutMs), ({ redis }) =>
      redis.exists(shardsKey(config.namespace)),
    );
    if (!isUsed) line(stderr, describeUnused());
  } finally {
    await session.close();
  }
}
