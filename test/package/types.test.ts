import { execFile } from 'node:child_process';
import { cpSync, globSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { newProject } from './support/new-project.ts';
import { npm } from './support/npm.ts';
import { entries, manifest, repository } from './support/repository.ts';

const run = promisify(execFile);
const OLD_COMPILER = '5.9.3';
const newCompiler = join(repository, 'node_modules/typescript/bin/tsc');
const project = inject('project');
const typed = join(project, '../typed');

/** Nothing is skipped: our declarations, and those that they lean on, must make sense by themselves. */
const OPTIONS = ['--noEmit', '--strict', '--exactOptionalPropertyTypes', '--skipLibCheck', 'false'];
const LANGUAGE = ['--target', 'es2023', '--lib', 'es2024,esnext.disposable', '--types', 'node'];
const RESOLUTIONS = {
  nodenext: ['--module', 'nodenext'],
  bundler: ['--module', 'esnext', '--moduleResolution', 'bundler'],
};

let files: string[];

beforeAll(() => {
  newProject(typed);
  cpSync(new URL('consumer/deliver.ts', import.meta.url), join(typed, 'deliver.ts'));
  mkdirSync(join(typed, 'node_modules/@types'), { recursive: true });
  linkPackage(manifest.name, project);
  linkPackage('@types/node', repository);
  files = ['deliver.ts', ...entries.map(writeUseOfAll)];
});

describe.each([OLD_COMPILER, manifest.devDependencies['typescript'] ?? ''])('TypeScript %s', (version) => {
  let compiler: string;

  beforeAll(() => {
    compiler = version === OLD_COMPILER ? oldCompiler() : newCompiler;
  });

  it.each(Object.entries(RESOLUTIONS))('knows all that the package exports, resolved as %s', async (_, resolution) => {
    expect(await problems(compiler, typed, [...OPTIONS, ...LANGUAGE, ...resolution, ...files])).toBe('');
  });
});

it('the examples fit the types of the package', async () => {
  const examples = inject('examples');
  const own = ['--erasableSyntaxOnly', '--allowImportingTsExtensions', '--noEmit', '--strict', '--skipLibCheck'];
  const script = ['--allowJs', '--checkJs'];
  const programs = globSync('*/*.{ts,mjs}', { cwd: examples });
  expect(
    await problems(newCompiler, examples, [...own, ...script, ...LANGUAGE, ...RESOLUTIONS.nodenext, ...programs]),
  ).toBe('');
});

function linkPackage(name: string, from: string): void {
  symlinkSync(join(from, 'node_modules', name), join(typed, 'node_modules', name), 'junction');
}

/** Writes a file that imports every name of an entry. @returns its name */
function writeUseOfAll(entry: string, index: number): string {
  const target = manifest.exports[`.${entry.slice(manifest.name.length)}`];
  const types = typeof target === 'object' ? target.default.types : '';
  const declarations = readFileSync(join(project, 'node_modules', manifest.name, types), 'utf8');
  const names = [...declarations.matchAll(/export (?:type )?\{([^}]*)\}/g)]
    .flatMap(([, list = '']) => list.split(','))
    .map((name) => name.trim().replace(/^type /, ''))
    .filter((name) => name !== '');
  if (names.length === 0) throw new Error(`no exports found in ${types}`);
  const file = `all-${index}.ts`;
  writeFileSync(join(typed, file), `export type { ${names.join(', ')} } from '${entry}';\n`);
  return file;
}

function oldCompiler(): string {
  const folder = newProject(join(project, `../typescript-${OLD_COMPILER}`));
  npm(folder, 'install', '--ignore-scripts', `typescript@${OLD_COMPILER}`);
  return join(folder, 'node_modules/typescript/bin/tsc');
}

/** What the compiler says; nothing if it is content. */
async function problems(compiler: string, cwd: string, args: readonly string[]): Promise<string> {
  try {
    return (await run(process.execPath, [compiler, ...args], { cwd })).stdout;
  } catch (error) {
    const said = error as { stdout?: string; stderr?: string };
    return `${said.stdout}${said.stderr}`;
  }
}
