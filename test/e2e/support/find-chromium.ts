import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome', 'chrome'];
const HOW_TO_GET_ONE =
  'install one, on Debian with "apt-get install -y --no-install-recommends chromium fonts-dejavu-core", ' +
  'or set CHROMIUM_PATH to its program';

/**
 * The program of the browser that the tests drive: `CHROMIUM_PATH`, or what the path has.
 *
 * @throws Error that says how to get one.
 */
export function findChromium(env: Readonly<Record<string, string | undefined>>): string {
  const chosen = env['CHROMIUM_PATH'];
  if (chosen !== undefined && chosen !== '') {
    if (isProgram(chosen)) return chosen;
    throw new Error(`CHROMIUM_PATH is ${chosen}, which is no program: ${HOW_TO_GET_ONE}.`);
  }
  const folders = (env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  const found = NAMES.flatMap((name) => folders.map((folder) => join(folder, name))).find(isProgram);
  if (found !== undefined) return found;
  throw new Error(`The end-to-end tests need Chromium, and there is none on the path: ${HOW_TO_GET_ONE}.`);
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
