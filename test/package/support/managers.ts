import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { inject } from 'vitest';
import { newProject } from './new-project.ts';
import { run } from './run.ts';

/** The package managers of apps, with their versions. npm is the one on the path. */
export const managers = { pnpm: '12.21.0', yarn: '1.22.22', berry: '4.18.1' } as const;

export type Manager = 'npm' | keyof typeof managers;

/** Where npm installs them. */
const PROGRAMS = {
  pnpm: ['pnpm', 'bin/pnpm.mjs'],
  yarn: ['yarn', 'bin/yarn.js'],
  berry: ['@yarnpkg/cli-dist', 'bin/yarn.js'],
} as const;

/** The command of a package manager, which is installed first if it is not npm. */
export async function programOf(manager: Manager): Promise<[string, ...string[]]> {
  if (manager === 'npm') return ['npm', '--no-audit', '--no-fund', '--save-exact'];
  const folder = join(dirname(inject('tarball')), `${manager}-${process.pid}`);
  const [name, file] = PROGRAMS[manager];
  const program = join(folder, 'node_modules', name, file);
  if (!existsSync(program)) {
    newProject(folder);
    await run('npm', ['install', '--no-audit', '--no-fund', `${name}@${managers[manager]}`], { cwd: folder });
  }
  return ['node', program];
}
