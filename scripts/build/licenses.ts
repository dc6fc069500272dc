import { globSync, readFileSync, writeFileSync } from 'node:fs';
import type { Metafile } from 'esbuild';

interface PackageOf {
  name: string;
  version: string;
  license: string;
  author?: string | { name: string };
}

/** Their files are part of the console's texts. */
const EMBEDDED = ['node_modules/htmx.org', 'node_modules/uplot'];

/** Writes a page with the name, version and license of each package that was compiled in. */
export function writeLicenses(metafiles: readonly Metafile[]): void {
  const files = metafiles.flatMap(({ inputs }) => Object.keys(inputs));
  const compiled = files.flatMap((file) => /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? []);
  const parts = [...new Set([...compiled, ...EMBEDDED])].toSorted().map(licenseOf);
  const page = ['# Libraries that are compiled into this package\n', ...parts].join('\n');
  writeFileSync('dist/libraries/LICENSES.md', page);
}

function licenseOf(folder: string): string {
  const { name, version, license, author } = JSON.parse(readFileSync(`${folder}/package.json`, 'utf8')) as PackageOf;
  const [file] = globSync(`${folder}/{LICEN[CS]E,licen[cs]e}*`);
  const text = file === undefined ? textWithoutFile(name, license, author) : readFileSync(file, 'utf8').trim();
  return `## ${name} ${version}\n\nLicense: ${license}\n\n${text}\n`;
}

function textWithoutFile(name: string, license: string, author: PackageOf['author']): string {
  if (license !== 'MIT') throw new Error(`${name} has no file with its license, ${license}`);
  const holder = typeof author === 'object' ? author.name : (author ?? `the authors of ${name}`);
  return readFileSync('LICENSE', 'utf8')
    .trim()
    .replace(/^Copyright.*$/m, `Copyright (c) ${holder}`);
}
