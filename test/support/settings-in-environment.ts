import type { Settings } from './settings.ts';
import { variables } from '../../src/shared/config/variables.ts';

/** The settings of an installation as environment variables for the command line. */
export function settingsInEnvironment(config: Settings): Record<string, string> {
  const values = new Map(Object.entries(config));
  return Object.fromEntries(
    variables.flatMap(({ key, name }) => {
      const value = values.get(key);
      return value === undefined ? [] : [[name, String(value)]];
    }),
  );
}
