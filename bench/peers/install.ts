import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { MissingError } from '../stage/stores.ts';

const folder = new URL('.', import.meta.url);

/** Installs what is compared with, at the versions of its lock file, unless it is there. */
export function installPeers(): void {
  // npm writes this file last.
  if (existsSync(new URL('node_modules/.package-lock.json', folder))) return;
  console.error('  installing the packages of bench/peers');
  const { status } = spawnSync('npm', ['ci', '--ignore-scripts'], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (status !== 0) throw new MissingError('the packages of bench/peers could not be installed: "npm ci" failed there');
}

/** Exact versions, as they are pinned. */
export function peerVersions(): Record<string, string> {
  const text = readFileSync(new URL('package.json', folder), 'utf8');
  return (JSON.parse(text) as { dependencies: Record<string, string> }).dependencies;
}
