import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

/** What the build wants to know of package.json. */
interface Manifest {
  exports: Record<string, string | { default: { default: string } }>;
  dependencies: Record<string, string>;
  peerDependencies: Record<string, string>;
}

export const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as Manifest;

/** The programs of the entries, as `dist/worker/index.js`. */
export const entries = Object.values(manifest.exports).flatMap((target) =>
  typeof target === 'object' ? [join(target.default.default)] : [],
);

/** What is written before and in the quotes of an import, an export of another module's, or a call of `import()`. */
export const SPECIFIER = /(\b(?:from|import)[\s(]*['"])([^'"]+)(?=['"])/g;

/** Returns the files that these programs consist of, and the packages that they import. */
export async function partsOf(programs: readonly string[]): Promise<{ files: string[]; packages: string[] }> {
  const { metafile } = await build({
    entryPoints: [...programs],
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    external: ['*.cjs'],
    write: false,
    outdir: '.',
    metafile: true,
  });
  const imports = Object.values(metafile.inputs).flatMap((input) => input.imports);
  const packages = imports.flatMap(({ path, external }) => (external && !path.startsWith('.') ? [path] : []));
  return { files: Object.keys(metafile.inputs), packages: [...new Set(packages)].toSorted() };
}
