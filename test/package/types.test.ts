import { cpSync, globSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { emptyApp } from './support/new-app.ts';
import { newProject } from './support/new-project.ts';
import { npm } from './support/npm.ts';
import { reportApp } from './support/report-app.ts';
import { entries, manifest, repository } from './support/repository.ts';
import { run } from './support/run.ts';
import { useInstallation } from './support/use-installation.ts';

const OLD_COMPILER = '5.9.3';
const NEW_COMPILER = manifest.devDependencies['typescript'] ?? '';
const newCompiler = join(repository, 'node_modules/typescript/bin/tsc');
const project = inject('project');

/** Nothing is skipped: our declarations, and those that they lean on, must make sense by themselves. */
const STRICT = ['--strict', '--exactOptionalPropertyTypes', '--skipLibCheck', 'false', '--target', 'es2022'];
const NODENEXT = ['--module', 'nodenext'];
const BUNDLER = ['--module', 'esnext', '--moduleResolution', 'bundler'];
const NODE10 = ['--module', 'commonjs', '--moduleResolution', 'node10'];
const { expectDelivery } = useInstallation();

/** `type` is that of the project: with `nodenext` it decides whether an import is compiled to `require`. */
interface Setting {
  version: string;
  name: string;
  options: string[];
  type?: 'module' | 'commonjs';
}

const settings: Setting[] = [OLD_COMPILER, NEW_COMPILER].flatMap((version) => [
  { version, name: 'nodenext', options: NODENEXT },
  { version, name: 'nodenext, CommonJS', options: NODENEXT, type: 'commonjs' as const },
  { version, name: 'bundler', options: BUNDLER },
]);
settings.push({ version: OLD_COMPILER, name: 'node10', options: NODE10, type: 'commonjs' });

const isAll = process.env['PACKAGE_NODES'] === 'all';

let oldCompiler: string;

beforeAll(() => {
  const folder = newProject(join(project, `../typescript-${OLD_COMPILER}`));
  npm(folder, 'install', '--ignore-scripts', `typescript@${OLD_COMPILER}`);
  oldCompiler = join(folder, 'node_modules/typescript/bin/tsc');
});

describe.each(settings)('TypeScript $version, $name', ({ version, name, options, type = 'module' }) => {
  reportApp(`typescript-${version}-${name.replace(', ', '-').toLowerCase()}`, {
    app: `TypeScript, ${name}`,
    version,
    checked: 'every exported name, without `skipLibCheck` and without `@types/node`',
    needs: 'nothing',
  });

  it('knows all that the package exports, also without @types/node', async () => {
    const all = entries.map((_, index) => `all-${index}.ts`);
    expect(await problems(version, typedApp(type), [...STRICT, ...options, '--noEmit', ...all])).toBe('');
  });
});

it.each(isAll ? [OLD_COMPILER, NEW_COMPILER] : [OLD_COMPILER])(
  'a whole program, with @types/node, fits TypeScript %s',
  async (version) => {
    const app = typedApp('module');
    linkPackage('@types/node', repository, app);
    cpSync(new URL('consumer/deliver.ts', import.meta.url), join(app, 'deliver.ts'));
    expect(await problems(version, app, [...STRICT, ...NODENEXT, '--noEmit', '--types', 'node', 'deliver.ts'])).toBe(
      '',
    );
  },
);

const compiled: [name: string, version: string, options: string[]][] = [
  ['nodenext', NEW_COMPILER, NODENEXT],
  ['node10', OLD_COMPILER, NODE10],
  ['nodenext', OLD_COMPILER, NODENEXT],
];

it.each(isAll ? compiled : compiled.slice(0, 1))(
  'a program compiled to CommonJS, resolved as %s by TypeScript %s, sends messages',
  async (_, version, options) => {
    const app = typedApp('commonjs', 'compiled');
    linkPackage('@types/node', repository, app);
    expect(await problems(version, app, [...STRICT, ...options, '--types', 'node', 'send.ts'])).toBe('');
    expect(readFileSync(join(app, 'send.js'), 'utf8')).toContain('require("kitechat-sender")');
    await expectDelivery('node', ['send.js'], { cwd: app });
  },
);

it('the examples fit the types of the package', async () => {
  const examples = inject('examples');
  const own = ['--erasableSyntaxOnly', '--allowImportingTsExtensions', '--noEmit', '--strict', '--skipLibCheck'];
  const script = [
    '--allowJs',
    '--checkJs',
    '--target',
    'es2023',
    '--lib',
    'es2024,esnext.disposable',
    '--types',
    'node',
  ];
  const programs = globSync('*/*.{ts,mjs}', { cwd: examples });
  expect(await problems(NEW_COMPILER, examples, [...own, ...script, ...NODENEXT, ...programs])).toBe('');
});

/** Makes a project that uses every name of every entry. */
function typedApp(type: string, files: string | Record<string, string> = {}): string {
  const app = emptyApp('typed', files, { type });
  mkdirSync(join(app, 'node_modules/@types'), { recursive: true });
  linkPackage(manifest.name, project, app);
  for (const [index, entry] of entries.entries()) {
    writeFileSync(join(app, `all-${index}.ts`), `export { ${namesOf(entry).join(', ')} } from '${entry}';\n`);
  }
  return app;
}

function linkPackage(name: string, from: string, app: string): void {
  symlinkSync(join(from, 'node_modules', name), join(app, 'node_modules', name), 'junction');
}

/** What an entry exports, as its declarations say it: `type` stands before what is only a type. */
function namesOf(entry: string): string[] {
  const room = entry === manifest.name ? 'producer' : entry.slice(manifest.name.length + 1);
  const file = join(project, 'node_modules', manifest.name, 'dist', room, 'index.d.ts');
  const names = [...readFileSync(file, 'utf8').matchAll(/export (type )?\{([^}]*)\}/g)].flatMap(
    ([, type = '', list = '']) => list.split(',').flatMap((name) => (name.trim() === '' ? [] : type + name.trim())),
  );
  if (names.length === 0) throw new Error(`no exports found in ${file}`);
  return names;
}

/** What a compiler says; nothing if it is content. */
async function problems(version: string, cwd: string, args: readonly string[]): Promise<string> {
  const compiler = version === OLD_COMPILER ? oldCompiler : newCompiler;
  try {
    return (await run('node', [compiler, ...args], { cwd })).stdout;
  } catch (error) {
    return (error as Error).message;
  }
}
