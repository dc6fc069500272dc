import { beforeAll } from 'vitest';
import { APP_VERSION, describeBundle } from './support/describe-bundle.ts';
import { newApp } from './support/new-app.ts';

const versions = {
  esbuild: '0.28.2',
  rollup: '4.68.8',
  '@rollup/plugin-commonjs': '29.0.3',
  '@rollup/plugin-json': '6.1.0',
  '@rollup/plugin-node-resolve': '16.0.3',
  vite: '8.4.0',
};

let app: string;

beforeAll(async () => {
  app = await newApp('bundlers', { files: 'bundle', devDependencies: versions, more: { version: APP_VERSION } });
});

const esbuild = ['esbuild', 'send.js', 'work.js', '--bundle', '--platform=node', '--log-level=warning'] as const;
const REQUIRE =
  "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);";

describeBundle(
  {
    report: 'esbuild-cjs',
    app: 'esbuild, CommonJS',
    version: versions.esbuild,
    build: [[...esbuild, '--outdir=esbuild-cjs']],
    folder: 'esbuild-cjs',
    send: ['node', 'send.js'],
    work: ['node', 'work.js'],
  },
  () => app,
);

describeBundle(
  {
    report: 'esbuild-esm',
    app: 'esbuild, ES modules',
    version: versions.esbuild,
    needs: 'a [banner](#bundlers) that makes `require`',
    build: [[...esbuild, '--format=esm', '--out-extension:.js=.mjs', `--banner:js=${REQUIRE}`, '--outdir=esbuild-esm']],
    folder: 'esbuild-esm',
    send: ['node', 'send.mjs'],
    work: ['node', 'work.mjs'],
  },
  () => app,
);

describeBundle(
  {
    report: 'rollup',
    app: 'Rollup',
    version: versions.rollup,
    needs: 'the plugins node-resolve, commonjs and json',
    build: [['rollup', '--config']],
    folder: 'rollup',
    send: ['node', 'send.mjs'],
    work: ['node', 'work.mjs'],
  },
  () => app,
);

describeBundle(
  {
    report: 'vite-ssr',
    app: 'Vite SSR, `ssr.noExternal: true`',
    version: versions.vite,
    build: [['vite', 'build']],
    folder: 'vite',
    send: ['node', 'send.mjs'],
    work: ['node', 'work.mjs'],
  },
  () => app,
);
