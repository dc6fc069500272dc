import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** An empty folder of the running test's own, which goes with it. */
export function newFolderOfTest(): string {
  const folder = mkdtempSync(join(tmpdir(), 'kitechat-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}
