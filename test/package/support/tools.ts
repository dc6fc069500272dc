import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { inject } from 'vitest';
import { newProject } from './new-project.ts';
import { run } from './run.ts';

/** Package managers and runtimes that apps use beside npm and Node, with their versions. */
export const versions = { pnpm: '12.21.0', yarn: '1.22.22', berry: '4.18.1', bun: '1.4.5', deno: '2.9.6' } as const;

export type Tool = keyof typeof versions;

/** What npm installs, and the program in it. */
const PROGRAMS: Readonly<Record<Tool, readonly [name: string, file: string]>> = {
  pnpm: ['pnpm', 'pnpm/bin/pnpm.mjs'],
  yarn: ['yarn', 'yarn/bin/yarn.js'],
  berry: ['@yarnpkg/cli-dist', '@yarnpkg/cli-dist/bin/yarn.js'],
  bun: ['bun', '.bin/bun'],
  deno: ['deno', '.bin/deno'],
};

/** Returns the command of a tool, which is installed first if need be. */
export async function programOf(tool: Tool): Promise<[string, ...string[]]> {
  const folder = join(dirname(inject('tarball')), `${tool}-${process.pid}`);
  const [name, file] = PROGRAMS[tool];
  const program = join(folder, 'node_modules', file);
  if (!existsSync(program)) {
    // Their scripts put the program for this system in place.
    newProject(folder, { allowScripts: { [name]: true } });
    await run('npm', ['install', '--no-audit', '--no-fund', `${name}@${versions[tool]}`], { cwd: folder });
  }
  return file.startsWith('.bin') ? [program] : ['node', program];
}
