import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface EncryptionKeys extends Disposable {
  path: string;
}

/** A file with one key. */
export function writeEncryptionKeys(): EncryptionKeys {
  const folder = mkdtempSync(join(tmpdir(), 'kitechat-bench-'));
  const path = join(folder, 'keys.json');
  writeFileSync(path, JSON.stringify({ bench: randomBytes(32).toString('base64') }));
  return { path, [Symbol.dispose]: () => rmSync(folder, { recursive: true }) };
}
