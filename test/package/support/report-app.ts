import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { repository } from './repository.ts';

/** What is known of the package in one kind of app: a row of the table in docs/apps.md. */
export interface AppRow {
  app: string;
  /** The exact version of the tool that the app is named for. */
  version: string;
  /** What the tests see work, in a few words, such as `a producer and a worker, bundled`. */
  checked: string;
  /** The settings that the app needs: `nothing`, or the one setting. */
  needs: string;
}

/** Called once in a `describe`: when its tests have ended, writes `reports/apps/<name>.json`, also if they failed. */
export function reportApp(name: string, row: AppRow): void {
  afterAll((_, suite) => {
    const passed = suite.result?.state !== 'fail' && suite.tasks.length > 0 && suite.tasks.every(hasPassed);
    const folder = join(repository, 'reports/apps');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `${name}.json`), `${JSON.stringify({ ...row, passed }, null, 2)}\n`);
  });
}

type Task = Parameters<Parameters<typeof afterAll>[0]>[1]['tasks'][number];

function hasPassed(task: Task): boolean {
  return task.type === 'suite' ? task.tasks.every(hasPassed) : task.result?.state === 'pass';
}
