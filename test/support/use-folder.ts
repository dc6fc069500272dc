import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

/** An empty folder until the last test. Called at the top of a file or of a `describe`. */
export function useFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'kitechat-test-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  return folder;
}
