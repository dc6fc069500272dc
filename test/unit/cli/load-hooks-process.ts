import { loadHooks } from '../../../src/cli/commands/hooks-file.ts';
import { ConfigError } from '../../../src/shared/errors/errors.ts';

/** Vitest would load the files in its own way. Prints one line for each path: the names of the hooks, or the problems. */
const LOAD_MS = 2000;

for (const path of process.argv.slice(2)) {
  try {
    process.stdout.write(
      `${JSON.stringify(Object.keys(await loadHooks({ path, namedBy: '--hooks' }, LOAD_MS)).toSorted())}\n`,
    );
  } catch (error) {
    process.stdout.write(`${JSON.stringify(error instanceof ConfigError ? error.problems : String(error))}\n`);
  }
}
