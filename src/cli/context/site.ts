import { type Config, type Environment, isGiven, loadConfig } from '../../shared/config/config.ts';
import { describeSite } from '../../shared/config/site.ts';
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
