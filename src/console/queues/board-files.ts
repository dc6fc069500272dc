import { createRequire } from 'node:module';
import { dirname } from 'node:path';

const { resolve } = createRequire(import.meta.url);

/** Returns the folder of bull-board's page, which is larger than all else here and is left to those who want it. `undefined` if it is not installed. */
export function boardFiles(): string | undefined {
  try {
    return dirname(resolve('@bull-board/ui/package.json'));
  } catch {
    return undefined;
  }
}
