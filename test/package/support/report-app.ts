import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, TestRunner } from 'vitest';
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

/** Called once in a `describe`: writes `reports/apps/<name>.json`, which says whether all tests of the `describe` have passed. */
export function reportApp(name: string, row: AppRow): void {
  const write = (passed: boolean): void => {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `${name}.json`), `${JSON.stringify({ ...row, passed }, null, 2)}\n`);
  };
  // If the preparations of the file fail, nothing runs that could say so later.
  write(false);
  const { suite } = TestRunner.getCurrentSuite();
  afterAll(() => write(suite?.result?.state !== 'fail' && suite?.tasks.every(hasPassed) === true));
}

const folder = join(repository, 'reports/apps');

type Task = NonNullable<ReturnType<typeof TestRunner.getCurrentSuite>['suite']>['tasks'][number];

function hasPassed(task: Task): boolean {
  return task.type === 'suite' ? task.tasks.every(hasPassed) : task.result?.state === 'pass';
}
