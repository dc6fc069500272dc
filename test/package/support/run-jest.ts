import { expect } from 'vitest';
import { run, type RunOptions } from './run.ts';

/** Runs the tests of an app with Jest, and expects that all pass, and that nothing of the package keeps Jest from ending. */
export async function expectJestPasses(tests: number, args: readonly string[], options: RunOptions): Promise<void> {
  const { stdout, stderr } = await run('jest', ['--json', '--detectOpenHandles', ...args], options);
  expect(JSON.parse(stdout)).toMatchObject({ numPassedTests: tests, numTotalTests: tests, openHandles: [] });
  // How Jest tells of what is left: "did not exit", "has detected … open handles", "failed to exit gracefully".
  expect(stderr).not.toMatch(/exit|handle/i);
}

/** Lets Jest load ES modules. */
export const ES_MODULES = { NODE_OPTIONS: '--experimental-vm-modules' };
