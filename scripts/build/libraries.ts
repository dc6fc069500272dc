import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire, isBuiltin } from 'node:module';
import { dirname, posix } from 'node:path';
import { build, type Metafile, type Plugin } from 'esbuild';
import { manifest, partsOf, SPECIFIER } from './entries.ts';

const FOLDER = 'dist/libraries';

/** A peer that we find in the process but never import; prom-client has a copy of its own. */
const FOUND = '@opentelemetry/api';
const INSTALLED = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies }).filter(
  (name) => name !== FOUND,
);

/** What libraries try to load and can do without. A bundler that meets their names would warn, or take another package's. */
const leaveOut: Plugin = {
  name: 'leave out',
  setup({ onResolve, onLoad }) {
    const namespace = 'left-out';
    const filter = /^(?:msgpackr-extract|pg|@valkey\/valkey-glide|node:sqlite)$/;
    onResolve({ filter }, ({ path }) => ({ path, namespace }));
    onLoad({ filter: /.*/, namespace }, ({ path }) => ({
      contents: `throw new Error('${path} is not part of kitechat-sender');`,
    }));
    // BullMQ's processors in processes of their own, which we don't use: webpack warns of an import that it can't know.
    onLoad({ filter: /[/\\]child-processor\.js$/ }, () => ({ contents: '' }));
  },
};

/** Of these libraries only the named parts. All of undici can't be loaded by a Node that is too old, and could not be told that it is. */
const PARTS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  hono: { Hono: "require('hono').Hono", matchedRoutes: "require('hono/route').matchedRoutes" },
  undici: {
    // Its method `request` is added to all dispatchers by the file that we leave out.
    EnvHttpProxyAgent:
      "(Object.assign(require('undici/lib/dispatcher/dispatcher.js').prototype, require('undici/lib/api/index.js')), require('undici/lib/dispatcher/env-http-proxy-agent.js'))",
    Pool: "require('undici/lib/dispatcher/pool.js')",
    ProxyAgent: "require('undici/lib/dispatcher/proxy-agent.js')",
  },
};

/** Libraries that are ES modules, of which only the default export is used: Node.js takes all that a CommonJS module exports for it. */
const DEFAULT_ONLY = new Set(['ky']);

/** Parts of libraries that share symbols with the whole, so that they are in one file with it. */
const WHOLE: Readonly<Record<string, string>> = { 'hono/route': 'hono' };

/**
 * Compiles the libraries that are no dependencies of the package into it, and makes `dist` import them from there. Who installs the
 * package to enqueue does not install them, and who runs a worker has nothing more to install.
 *
 * @returns what they were made of
 */
export async function compileLibraries(): Promise<Metafile[]> {
  const files = globSync('dist/**/*.js').map((file) => file.replaceAll('\\', '/'));
  const { packages } = await partsOf(files);
  const compiled = packages.filter((name) => !isBuiltin(name) && !isInstalled(name));
  const libraries = compiled.filter((name) => !(name in WHOLE));
  const metafiles = await Promise.all(libraries.map((name) => compileLibrary(name, libraries)));
  for (const file of files) {
    const toFolder = posix.relative(dirname(file), FOLDER);
    const rewritten = readFileSync(file, 'utf8').replaceAll(SPECIFIER, (whole, before: string, name: string) =>
      compiled.includes(name) ? `${before}${toFolder}/${fileOf(WHOLE[name] ?? name)}` : whole,
    );
    writeFileSync(file, rewritten);
  }
  return metafiles;
}

function isInstalled(name: string): boolean {
  return INSTALLED.some((one) => name === one || name.startsWith(`${one}/`));
}

/** To CommonJS: an ES module could `require` what many of them do only with a path of its own, which a bundle of it lacks. */
async function compileLibrary(name: string, libraries: readonly string[]): Promise<Metafile> {
  const parts = PARTS[name];
  const isDefaultOnly = DEFAULT_ONLY.has(name);
  const exported = isDefaultOnly ? [] : Object.keys(parts ?? (createRequire(import.meta.url)(name) as object));
  const names = exported.filter((key) => /^(?!default$)[A-Za-z_$][\w$]*$/.test(key));
  const program = Object.entries(parts ?? {}).map(([key, part]) => `exports.${key} = ${part};`);
  const whole = `module.exports = require('${name}')${isDefaultOnly ? '.default' : ''};`;
  const { metafile } = await build({
    stdin: { contents: parts ? program.join('') : whole, resolveDir: '.' },
    outfile: `${FOLDER}/${fileOf(name)}`,
    bundle: true,
    platform: 'node',
    target: 'node22',
    format: 'cjs',
    minifyWhitespace: true,
    minifySyntax: true,
    legalComments: 'none',
    metafile: true,
    logLevel: 'warning',
    external: INSTALLED,
    plugins: [leaveOut, shareOthers(libraries.filter((other) => other !== name))],
    // This is how Node.js tells which names a CommonJS module exports.
    footer: { js: `0 && (module.exports = { ${names.join(', ')} });` },
  });
  return metafile;
}

function shareOthers(others: readonly string[]): Plugin {
  return {
    name: 'share others',
    setup({ onResolve }) {
      onResolve({ filter: /^[^.]/ }, ({ path }) =>
        others.includes(path) ? { path: `./${fileOf(path)}`, external: true } : undefined,
      );
    },
  };
}

function fileOf(library: string): string {
  return `${library.replaceAll('@', '').replaceAll('/', '-')}.cjs`;
}
