import { globSync, lstatSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, inject, it } from 'vitest';
import { entries, manifest } from './support/repository.ts';

const MEGABYTE = 1024 * 1024;
const installed = join(inject('project'), 'node_modules');
const own = join(installed, manifest.name);

describe('the installed package', () => {
  it('is, with all that it needs, 12 packages of less than 20 MB', () => {
    const sizes = new Map(packagesIn(installed).map((name) => [name, bytesIn(join(installed, name))]));
    const total = [...sizes.values()].reduce((sum, bytes) => sum + bytes, 0);
    const largest = [...sizes].toSorted(([, one], [, other]) => other - one).slice(0, 8);
    const listed = largest.map(([name, bytes]) => `${name} ${inMegabytes(bytes)}`).join(', ');
    expect(total, `${sizes.size} packages: ${listed}`).toBeLessThan(20 * MEGABYTE);
    expect([...sizes.keys()].length).toBeLessThanOrEqual(12);
  });

  it('brings no package with an install script', () => {
    const found = packagesIn(installed).flatMap((name) => {
      const { scripts = {} } = JSON.parse(readFileSync(join(installed, name, 'package.json'), 'utf8')) as {
        scripts?: Record<string, string>;
      };
      return ['preinstall', 'install', 'postinstall']
        .filter((step) => step in scripts)
        .map((step) => `${name}: ${step}`);
    });
    expect(found).toEqual([]);
  });

  it.each(entries)('%s reads no file of its own: what a bundler moves elsewhere goes on', (entry) => {
    const target = manifest.exports[`.${entry.slice(manifest.name.length)}`];
    if (typeof target !== 'object') throw new Error(`${entry} is no program`);
    for (const { default: program } of [target['module-sync'], target.require]) {
      const files = modulesOf(join(own, program));
      const looking = /\bimport\.meta\b|\b__dirname\b|\b__filename\b|\bcreateRequire\b/;
      expect(files.filter((file) => looking.test(readFileSync(file, 'utf8')))).toEqual([]);
    }
  });

  it('brings nothing along that only its development needs', () => {
    const names = new Set(packagesIn(installed));
    expect(Object.keys(manifest.devDependencies).filter((name) => names.has(name))).toEqual([]);
  });

  it('holds its programs, the declarations of its entries and its documents, and no sources, maps or tests', () => {
    const files = globSync('**/*', { cwd: own, withFileTypes: true, exclude: ['examples/**'] });
    const names = files.filter((file) => file.isFile()).map(({ name }) => name);
    expect(names).toEqual(
      expect.arrayContaining(['README.md', 'LICENSE', 'CHANGELOG.md', 'LICENSES.md', 'index.d.ts']),
    );
    const unwanted = names.filter((name) => /\.map$|\.test\.|\.lua$|(?<!\.d)\.ts$/.test(name));
    expect(unwanted).toEqual([]);
  });
});

/** Returns a program and all modules of ours that it loads, but for the libraries compiled into the package. */
function modulesOf(program: string): string[] {
  const found = new Set([program]);
  for (const file of found) {
    const text = readFileSync(file, 'utf8');
    for (const [, path = ''] of text.matchAll(/(?:\bfrom |\bimport |\bimport\(|\brequire\()["'](\.[^"']+\.js)["']/g)) {
      found.add(join(dirname(file), path));
    }
  }
  return [...found];
}

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
