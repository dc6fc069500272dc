import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { manifest } from '../../package/support/repository.ts';

const root = new URL('../../../', import.meta.url);

interface LockFile {
  packages: Record<string, { version?: string; resolved?: string; integrity?: string; hasInstallScript?: boolean }>;
}

const lockFiles = globSync('{,*/,*/*/}package-lock.json', {
  cwd: fileURLToPath(root),
  exclude: (name) => name === 'node_modules',
});

const lockOf = (file: string): LockFile => JSON.parse(readFileSync(new URL(file, root), 'utf8')) as LockFile;

describe.each(lockFiles)('%s', (file) => {
  const packages = Object.entries(lockOf(file).packages).filter(([path]) => path !== '');

  it('holds no download addresses, so that every registry and mirror can serve it', () => {
    expect(packages.filter(([, { resolved }]) => resolved !== undefined).map(([path]) => path)).toEqual([]);
  });

  it('knows what every package must contain', () => {
    expect(packages.filter(([, { integrity }]) => !integrity?.startsWith('sha512-')).map(([path]) => path)).toEqual([]);
  });
});

describe('package.json', () => {
  it('says of every package with an install script whether it may run', () => {
    const withScripts = Object.entries(lockOf('package-lock.json').packages).filter(
      ([, { hasInstallScript }]) => hasInstallScript === true,
    );
    const names = withScripts.map(([path]) => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length));
    expect(names.filter((name) => !(name in manifest.allowScripts))).toEqual([]);
  });

  it('pins every version exactly', () => {
    const versions = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies });
    expect(versions.filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
  });
});
