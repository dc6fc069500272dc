import { renameSync, writeFileSync } from 'node:fs';

/** Replaces a file in one step, so that no reader sees half of it. Only its owner may read it, as it should be for keys. */
export function replaceFile(path: string, text: string): void {
  writeFileSync(`${path}.new`, text, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}
