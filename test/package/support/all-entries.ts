import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { run, type RunOptions } from './run.ts';

/** Runs a program in an app that uses every entry of the package, and expects that it delivers. Once for each Redis: it counts dead letters. */
export async function expectAllWorks(program: string, args: readonly string[], options: RunOptions): Promise<void> {
  cpSync(new URL('../consumer/deliver.ts', import.meta.url), join(options.cwd, 'deliver.ts'));
  const { stdout } = await run(program, [...args, 'deliver.ts'], options);
  expect(JSON.parse(stdout)).toEqual({ accepted: 2, dead: ['rejected'], refused: 'pageId' });
}
