import { spawnSync } from 'node:child_process';

/**
 * Runs npm in a folder.
 *
 * @returns what it wrote to stdout
 * @throws with what it wrote, if it failed
 */
export function npm(folder: string, ...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync('npm', [...args, '--no-audit', '--no-fund'], {
    cwd: folder,
    encoding: 'utf8',
    shell: process.platform === 'win32',
  });
  if (status !== 0) throw new Error(`npm ${args.join(' ')} failed:\n${stdout}\n${stderr}`);
  return stdout;
}
