import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { boardVersion } from './board-version.ts';

const { resolve } = createRequire(import.meta.url);

/**
 * Returns the folder of bull-board's page, which is larger than all else here and is left to those who want it. `undefined` if it is not
 * installed in this version; an app may have another one for a board of its own.
 */
export function boardFiles(): string | undefined {
  try {
    const file = resolve('@bull-board/ui/package.json');
    const { version } = JSON.parse(readFileSync(file, 'utf8')) as { version: string };
    return version === boardVersion ? dirname(file) : undefined;
  } catch {
    return undefined;
  }
}
