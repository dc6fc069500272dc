import { globSync, lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, inject, it } from 'vitest';
import { manifest } from './support/repository.ts';

const MEGABYTE = 1024 * 1024;
const installed = join(inject('project'), 'node_modules');
const own = join(installed, manifest.name);

describe('the installed package', () => {
  it('takes less than 60 MB, with all that it needs', () => {
    const sizes = new Map(packagesIn(installed).map((name) => [name, bytesIn(join(installed, name))]));
    const total = [...sizes.values()].reduce((sum, bytes) => sum + bytes, 0);
    const largest = [...sizes].toSorted(([, one], [, other]) => other - one).slice(0, 8);
    const listed = largest.map(([name, bytes]) => `${name} ${inMegabytes(bytes)}`).join(', ');
    expect(total, `${sizes.size} packages: ${listed}`).toBeLessThan(60 * MEGABYTE);
  });

  it('brings nothing along that only its development needs', () => {
    const names = new Set(packagesIn(installed));
    expect(Object.keys(manifest.devDependencies).filter((name) => names.has(name))).toEqual([]);
  });

  it('holds its programs, the declarations of its entries and its documents, and no sources, maps or tests', () => {
    const files = globSync('**/*', { cwd: own, withFileTypes: true }).filter((file) => file.isFile());
    const names = files.map(({ name }) => name);
    expect(names).toEqual(
      expect.arrayContaining(['README.md', 'LICENSE', 'CHANGELOG.md', 'enqueue.lua', 'index.d.ts']),
    );
    const unwanted = names.filter((name) => /\.map$|\.test\.|(?<!\.d)\.ts$/.test(name));
    expect(unwanted).toEqual([]);
  });
});

function packagesIn(folder: string): string[] {
  const names = readdirSync(folder).filter((name) => !name.startsWith('.'));
  return names.flatMap((name) =>
    name.startsWith('@') ? readdirSync(join(folder, name)).map((scoped) => `${name}/${scoped}`) : name,
  );
}

/** What a disk gives for it: many small files take more than they hold. */
function bytesIn(folder: string): number {
  const files = globSync('**/*', { cwd: folder });
  return [folder, ...files.map((file) => join(folder, file))].reduce(
    (sum, path) => sum + lstatSync(path).blocks * 512,
    0,
  );
}

function inMegabytes(bytes: number): string {
  return `${(bytes / MEGABYTE).toFixed(1)} MB`;
}
