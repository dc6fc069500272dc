import { globSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { build, type Metafile, type Plugin } from 'esbuild';
import { manifest } from './entries.ts';

/** We use a tenth of zod, and all of it takes longer to load than all the rest. */
const PACKAGES = Object.keys(manifest.dependencies).filter((name) => name !== 'zod');

/** Each program and each part stands one folder below `dist`. */
const leaveLibraries: Plugin = {
  name: 'leave libraries',
  setup({ onResolve }) {
    onResolve({ filter: /\/libraries\// }, ({ path }) => ({
      path: path.replace(/^.*(?=\/libraries\/)/, '..'),
      external: true,
    }));
  },
};

/**
 * Joins the modules of these programs into few files: Node.js takes longer to find and to compile many small ones.
 *
 * @returns what they were made of
 */
export async function joinModules(programs: readonly string[]): Promise<Metafile> {
  const { metafile } = await build({
    entryPoints: [...programs],
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node22',
    outdir: 'dist',
    outbase: 'dist',
    chunkNames: 'parts/[name]-[hash]',
    allowOverwrite: true,
    legalComments: 'none',
    external: [...PACKAGES, ...Object.keys(manifest.peerDependencies)],
    metafile: true,
    logLevel: 'warning',
    plugins: [leaveLibraries],
  });
  const joined = new Set(Object.keys(metafile.outputs).map((file) => resolve(file)));
  const others = globSync('dist/**/*.js', { exclude: ['dist/cjs/**'] }).filter((file) => !joined.has(resolve(file)));
  for (const file of others) rmSync(file);
  return metafile;
}
