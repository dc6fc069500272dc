import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire, isBuiltin } from 'node:module';
import { dirname, relative } from 'node:path';
import { build, type BuildOptions, type Metafile, type Plugin } from 'esbuild';
import { manifest, partsOf, SPECIFIER } from './entries.ts';
import { licensesOf } from './licenses.ts';

const FOLDER = 'dist/libraries';

const DEPENDENCIES = Object.keys(manifest.dependencies);
const PEERS = Object.keys(manifest.peerDependencies);
/** What libraries try to load and can do without. A bundler that meets their names would warn, or take another package's. */
const leaveOut: Plugin = {
  name: 'leave out',
  setup({ onResolve, onLoad }) {
    const namespace = 'left-out';
    onResolve({ filter: /^(?:msgpackr-extract|pg|@valkey\/valkey-glide)$/ }, ({ path }) => ({ path, namespace }));
    onLoad({ filter: /.*/, namespace }, ({ path }) => ({
      contents: `throw new Error('${path} is not part of kitechat-sender');`,
    }));
  },
};

const COMMON = {
  bundle: true,
  platform: 'node',
  target: 'node22',
  minifyWhitespace: true,
  minifySyntax: true,
  legalComments: 'none',
  metafile: true,
  logLevel: 'warning',
  external: [...DEPENDENCIES, ...PEERS],
  plugins: [leaveOut],
} satisfies BuildOptions;

/**
 * Compiles the libraries that are no dependencies of the package into it, and makes `dist` import them from there. Who installs the
 * package to enqueue does not install them, and who runs a worker has nothing more to install.
 */
export async function compileLibrariesIn(entries: readonly string[]): Promise<void> {
  const files = globSync('dist/**/*.js');
  const ofEntries = librariesAmong((await partsOf(entries)).packages);
  const ofCommands = librariesAmong((await partsOf(files)).packages).filter((name) => !ofEntries.includes(name));
  const metafiles = [
    ...(await Promise.all(ofEntries.map(compileToCommonJs))),
    await compileToModules(ofCommands, ofEntries),
  ];
  importFromHere(
    files,
    new Map([
      ...ofEntries.map((name) => [name, commonJs(name)] as const),
      ...ofCommands.map((name) => [name, esModule(name)] as const),
    ]),
  );
  writeFileSync(`${FOLDER}/LICENSES.md`, licensesOf(metafiles));
}

function librariesAmong(packages: readonly string[]): string[] {
  const installed = [...DEPENDENCIES, ...PEERS];
  return packages.filter(
    (name) => !isBuiltin(name) && !installed.some((one) => name === one || name.startsWith(`${one}/`)),
  );
}

/** Not to ES modules: those could `require` what these libraries do only with a path of their own, which a bundle of them lacks. */
async function compileToCommonJs(name: string): Promise<Metafile> {
  const exported = Object.keys(createRequire(import.meta.url)(name) as object).filter((key) =>
    /^(?!default$)[A-Za-z_$][\w$]*$/.test(key),
  );
  const { metafile } = await build({
    ...COMMON,
    stdin: { contents: `module.exports = require('${name}');`, resolveDir: '.' },
    outfile: `${FOLDER}/${commonJs(name)}`,
    format: 'cjs',
    // This is how Node.js tells which names a CommonJS module exports.
    footer: { js: `0 && (module.exports = { ${exported.join(', ')} });` },
  });
  return metafile;
}

/** They share what they have in common. Nobody bundles the commands, so they may ask for their own path. */
async function compileToModules(names: readonly string[], ofEntries: readonly string[]): Promise<Metafile> {
  const { metafile } = await build({
    ...COMMON,
    entryPoints: names.map((name) => ({ in: name, out: esModule(name).replace(/\.js$/, '') })),
    outdir: FOLDER,
    format: 'esm',
    splitting: true,
    chunkNames: 'common-[hash]',
    plugins: [leaveOut, importOfEntries(ofEntries)],
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
  });
  return metafile;
}

/** What the entries use, too, is imported from what was compiled for them. */
function importOfEntries(names: readonly string[]): Plugin {
  return {
    name: 'import of entries',
    setup({ onResolve }) {
      onResolve({ filter: /^[^.]/ }, ({ path }) =>
        names.includes(path) ? { path: `./${commonJs(path)}`, external: true } : undefined,
      );
    },
  };
}

function importFromHere(files: readonly string[], fileOf: ReadonlyMap<string, string>): void {
  for (const file of files) {
    const folder = relative(dirname(file), FOLDER);
    const rewritten = readFileSync(file, 'utf8').replaceAll(SPECIFIER, (whole, before: string, name: string) => {
      const library = fileOf.get(name);
      return library === undefined ? whole : `${before}${folder}/${library}`;
    });
    writeFileSync(file, rewritten);
  }
}

function commonJs(name: string): string {
  return `${name}.cjs`;
}

function esModule(name: string): string {
  return `${name.replaceAll('@', '').replaceAll('/', '-')}.js`;
}
