import { type Config, loadConfig } from '../../src/shared/config/config.ts';

/** The settings of all entry points, as a process reads them from its environment; each entry point takes those that it uses. */
export type Settings = { [Key in keyof Omit<Config, 'source'>]?: Config[Key] | undefined };

/** All settings, with defaults for those that are not given. */
export function completed(settings: Settings = {}): Config {
  const given = Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
  return { ...loadConfig({}), ...given };
}
