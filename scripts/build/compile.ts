import { spawnSync } from 'node:child_process';

/** @returns whether the compiler found no fault */
export function compile(): boolean {
  const { status, error } = spawnSync('tsc', ['--project', 'tsconfig.build.json'], {
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
  if (error !== undefined) console.error(`build: could not run tsc (${error.message}); use "npm run build"`);
  return status === 0;
}
