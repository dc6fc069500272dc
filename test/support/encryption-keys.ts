import { createHash } from 'node:crypto';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** 32 bytes in base64, the same for the same name. */
export function encryptionKey(name: string): string {
  return createHash('sha256').update(name).digest('base64');
}

/** The text of a file with these keys, in this order. */
export function encryptionKeys(...names: string[]): string {
  return `{${names.map((name) => `"${name}": "${encryptionKey(name)}"`).join(', ')}}`;
}

export interface KeysFile {
  path: string;
  /** Puts another text there in one step, so that nobody sees half of it. */
  replace(text: string): void;
}

/** A file of the running test's own. */
export function newKeysFile(text: string): KeysFile {
  const folder = mkdtempSync(join(tmpdir(), 'kitechat-keys-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'keys.json');
  const replace = (changed: string): void => {
    writeFileSync(`${path}.new`, changed);
    renameSync(`${path}.new`, path);
  };
  replace(text);
  return { path, replace };
}
