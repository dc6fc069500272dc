import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { newProject } from './new-project.ts';
import { npm } from './npm.ts';
import { manifest } from './repository.ts';

/** The first version that package.json promises to support: what newer ones have must not be needed. */
const oldestNode = oldestOf(manifest.engines.node);

/** The versions of Node.js to try the package on. */
export const nodeVersions = process.env['PACKAGE_NODES'] === 'all' ? [oldestNode, '22', '24', '26'] : [oldestNode];

/** Installs a Node.js from npm. @returns its program */
export function installNode(folder: string, version: string): string {
  // npm before version 11 doesn't ask whether a package's scripts may run.
  const project = newProject(join(folder, `node-${version}`), { allowScripts: { node: true } });
  npm(project, 'install', `node@${version}`);
  const program = join(project, 'node_modules/node/bin/node');
  // The first start of a program is slow on some systems, and here nobody counts the time.
  execFileSync(program, ['--version']);
  return program;
}

function oldestOf(range: string): string {
  const [, major, minor = '0', patch = '0'] = /^>=(\d+)(?:\.(\d+))?(?:\.(\d+))?$/.exec(range) ?? [];
  if (major === undefined) throw new Error(`can't tell the oldest version of "${range}"`);
  return [major, minor, patch].join('.');
}
