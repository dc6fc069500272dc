import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** Creates an empty folder that is removed after the running test. */
export function newFolderOfTest(): string {
  const folder = mkdtempSync(join(tmpdir(), 'kitechat-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}
