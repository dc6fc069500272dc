import { beforeAll, describe, expect, inject, it } from 'vitest';
import { manifest } from '../support/repository.ts';
import { emptyApp, newApp } from '../support/new-app.ts';
import { reportApp } from '../support/report-app.ts';
import { run } from '../support/run.ts';
import { programOf, versions as tools } from '../support/tools.ts';
import { useInstallation } from '../support/use-installation.ts';

const versions = { ...tools, tsx: '4.23.15', 'ts-node': '10.9.2', mocha: '12.0.3' };
const installation = useInstallation();
const { expectDelivery } = installation;

describe('Bun', () => {
  reportApp('bun', {
    app: 'Bun',
    version: versions.bun,
    checked: 'a producer, and `bun test` with the fake API',
    needs: 'nothing; workers run in Node',
  });
  let app: string;
  let bun: string;

  beforeAll(async () => {
    [bun] = await programOf('bun');
    app = emptyApp('bun', 'producer', { dependencies: { [manifest.name]: `file:${inject('tarball')}` } });
    await run(bun, ['install'], { cwd: app });
  });

  it('sends messages, and ends by itself', async () => {
    await expectDelivery(bun, ['run', 'send.ts'], { cwd: app });
  });

  it('tests an app with the fake API', async () => {
    const { stderr } = await run(bun, ['test', 'bun.test.ts'], { cwd: app, env: installation.env });
    expect(stderr).toContain('2 pass');
  });
});

describe('Deno', () => {
  reportApp('deno', {
    app: 'Deno',
    version: versions.deno,
    checked: 'a producer',
    needs: '`--allow-env --allow-net`; workers run in Node',
  });
  let app: string;
  let deno: string;

  beforeAll(async () => {
    [deno] = await programOf('deno');
    app = await newApp('deno', { files: 'producer' });
  });

  it('sends messages, with leave only for the environment and the network, and ends by itself', async () => {
    const allowed = ['--allow-env', '--allow-net=127.0.0.1', '--no-prompt'];
    await expectDelivery(deno, ['run', '--node-modules-dir=manual', ...allowed, 'send.ts'], { cwd: app });
  });
});

describe('tsx', () => {
  reportApp('tsx', { app: 'tsx', version: versions.tsx, checked: 'a producer, ESM and CommonJS', needs: 'nothing' });

  it.each(['module', 'commonjs'])('sends messages from a project of type "%s"', async (type) => {
    const app = await newApp('tsx', { files: 'compiled', devDependencies: { tsx: versions.tsx }, more: { type } });
    await expectDelivery('tsx', ['send.ts'], { cwd: app });
  });
});

describe('Mocha with ts-node, in CommonJS', () => {
  reportApp('mocha', {
    app: 'Mocha with ts-node, CommonJS',
    version: versions.mocha,
    checked: 'a producer',
    needs: 'nothing',
  });

  it('runs a test that stores a message', async () => {
    const app = await newApp('mocha', {
      files: { 'store.test.ts': MOCHA, 'tsconfig.json': JSON.stringify({ compilerOptions: OLD }) },
      devDependencies: {
        mocha: versions.mocha,
        'ts-node': versions['ts-node'],
        typescript: '5.9.3',
        '@types/mocha': '10.0.10',
        '@types/node': '24.19.2',
      },
      more: { type: 'commonjs' },
    });
    const { stdout } = await run('mocha', ['--require', 'ts-node/register', 'store.test.ts'], {
      cwd: app,
      env: installation.env,
    });
    expect(stdout).toContain('1 passing');
  });
});

/** What projects have that were begun before `exports`. */
const OLD = { module: 'commonjs', moduleResolution: 'node10', target: 'es2022', strict: true, esModuleInterop: true };

const MOCHA = `
import { closeDefaultProducer, enqueueMessage } from 'kitechat-sender';
import assert from 'node:assert';

after(() => closeDefaultProducer());

it('stores a message', async () => {
  const { duplicate } = await enqueueMessage({ pageId: 'p1', conversationId: 'c1', message: { type: 'text', text: 'Hi' } });
  assert.equal(duplicate, false);
});
`;
