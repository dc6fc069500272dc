import { renameSync, writeFileSync } from 'node:fs';

/** Replaces a file in one step, so that no reader sees half of it. */
export function replaceFile(path: string, text: string): void {
  writeFileSync(`${path}.new`, text);
  renameSync(`${path}.new`, path);
}
