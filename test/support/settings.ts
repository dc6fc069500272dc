import { type Config, loadConfig } from '../../src/shared/config/config.ts';

/** Settings of all doors together, as a process reads them from its environment: each door takes what it uses. */
export type Settings = { [Key in keyof Omit<Config, 'source'>]?: Config[Key] | undefined };

/** All settings, those that are not given with their defaults. */
export function completed(settings: Settings = {}): Config {
  const given = Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
  return { ...loadConfig({}), ...given };
}
