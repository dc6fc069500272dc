import { beforeAll } from 'vitest';
import { APP_VERSION, describeBundle } from '../support/describe-bundle.ts';
import { newApp } from '../support/new-app.ts';
import { versions as tools } from '../support/tools.ts';

const versions = {
  '@vercel/ncc': '0.45.0',
  bun: tools.bun,
  tsup: '9.0.0',
  typescript: '5.9.3',
  webpack: '5.113.0',
  'webpack-cli': '7.3.1',
};

let app: string;

beforeAll(async () => {
  app = await newApp('more-bundlers', {
    files: 'bundle',
    devDependencies: versions,
    more: { version: APP_VERSION, allowScripts: { bun: true, esbuild: true } },
  });
});

describeBundle(
  {
    report: 'webpack',
    app: 'webpack, `target: node`',
    version: versions.webpack,
    build: [['webpack']],
    folder: 'webpack',
    send: ['node', 'send.cjs'],
    work: ['node', 'work.cjs'],
  },
  () => app,
);

describeBundle(
  {
    report: 'ncc',
    app: 'ncc',
    version: versions['@vercel/ncc'],
    build: [['ncc', 'build', 'send.js', '--out', 'ncc']],
    folder: 'ncc',
    send: ['node', 'index.js'],
  },
  () => app,
);

describeBundle(
  {
    report: 'tsup-cjs',
    app: 'tsup, CommonJS, `noExternal`',
    version: versions.tsup,
    build: [['tsup']],
    folder: 'tsup-cjs',
    send: ['node', 'send.cjs'],
  },
  () => app,
);

describeBundle(
  {
    report: 'tsup-esm',
    app: 'tsup, ES modules, `noExternal`',
    version: versions.tsup,
    needs: 'a [banner](#bundlers) that makes `require`',
    build: [['tsup']],
    folder: 'tsup-esm',
    send: ['node', 'send.js'],
  },
  () => app,
);

describeBundle(
  {
    report: 'bun-build',
    app: '`bun build --target=node`',
    version: versions.bun,
    build: [['bun', 'build', 'send.js', 'work.js', '--target=node', '--outdir=bun']],
    folder: 'bun',
    send: ['node', 'send.js'],
    work: ['node', 'work.js'],
  },
  () => app,
);

describeBundle(
  {
    report: 'bun-compile',
    app: '`bun build --compile`',
    version: versions.bun,
    build: [['bun', 'build', 'send.js', '--compile', '--outfile=compiled/send']],
    folder: 'compiled',
    send: ['./send'],
  },
  () => app,
);
