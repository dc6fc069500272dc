import { globSync, readFileSync, writeFileSync } from 'node:fs';
import type { Metafile } from 'esbuild';

interface PackageOf {
  name: string;
  version: string;
  license: string;
}

/** Writes a page with the name, version and license of each package that was compiled in. */
export function writeLicenses(metafiles: readonly Metafile[]): void {
  const files = metafiles.flatMap(({ inputs }) => Object.keys(inputs));
  const folders = new Set(files.flatMap((file) => /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? []));
  const parts = [...folders].toSorted().map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(`${folder}/package.json`, 'utf8')) as PackageOf;
    const [file] = globSync(`${folder}/{LICEN[CS]E,licen[cs]e}*`);
    const text = file === undefined ? '' : `\n\n${readFileSync(file, 'utf8').trim()}`;
    return `## ${name} ${version}\n\nLicense: ${license}${text}\n`;
  });
  const page = ['# Libraries that are compiled into this package\n', ...parts].join('\n');
  writeFileSync('dist/libraries/LICENSES.md', page);
}
