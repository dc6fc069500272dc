import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { newFolderOfTest } from './folder-of-test.ts';
import { replaceFile } from './replace-file.ts';

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
  /** Replaces the text of the file. */
  replace(text: string): void;
}

/** A file for the running test. */
export function newKeysFile(text: string): KeysFile {
  const path = join(newFolderOfTest(), 'keys.json');
  const replace = (changed: string): void => replaceFile(path, changed);
  replace(text);
  return { path, replace };
}
