import { beforeAll, describe, it } from 'vitest';
import { newApp, writeFiles } from '../support/new-app.ts';
import { reportApp } from '../support/report-app.ts';
import { ES_MODULES, expectJestPasses } from '../support/run-jest.ts';
import { useInstallation } from '../support/use-installation.ts';

const versions = { jest: '30.5.2', 'ts-jest': '29.4.15', '@swc/jest': '0.2.39', '@swc/core': '1.16.22' };
const types = { '@types/jest': '30.0.0', typescript: '5.9.3', '@types/node': '24.19.2' };
const checked = 'tests that replace the package by a mock, and tests with a producer, a worker and the fake API';
const installation = useInstallation({ worker: false });

describe('Jest with ES modules', () => {
  reportApp('jest-esm', {
    app: 'Jest, ES modules',
    version: versions.jest,
    checked,
    needs: '`NODE_OPTIONS=--experimental-vm-modules`, as Jest says',
  });
  let app: string;

  beforeAll(async () => {
    const { jest } = versions;
    app = await newApp('jest-esm', { files: 'jest-esm', devDependencies: { jest, '@jest/globals': jest } });
  });

  it('mocks the package, sends through the fake API, and ends by itself', async () => {
    await expectJestPasses(3, [], { cwd: app, env: { ...installation.env, ...ES_MODULES } });
  });
});

describe('Jest in CommonJS, with leave to load ES modules', () => {
  it('loads the package as an ES module, or as CommonJS, and sends through the fake API', async () => {
    const app = await newApp('jest-both', {
      files: 'jest',
      devDependencies: { jest: versions.jest },
      more: { type: 'commonjs' },
    });
    // Functions of an ES module can't be replaced one by one.
    await expectJestPasses(3, ['--testPathIgnorePatterns=spy'], {
      cwd: app,
      env: { ...installation.env, ...ES_MODULES },
    });
  });
});

describe('ts-jest in CommonJS', () => {
  reportApp('ts-jest', { app: 'ts-jest, CommonJS', version: versions['ts-jest'], checked, needs: 'nothing' });

  it('knows the types, mocks the package, sends through the fake API, and ends by itself', async () => {
    const { jest, 'ts-jest': tsJest } = versions;
    const app = await newApp('ts-jest', {
      files: 'ts-jest',
      devDependencies: { jest, 'ts-jest': tsJest, ...types },
      more: { type: 'commonjs', jest: { preset: 'ts-jest' } },
    });
    await expectJestPasses(3, [], { cwd: app, env: installation.env });
  });
});

describe('ts-jest with ES modules', () => {
  reportApp('ts-jest-esm', {
    app: 'ts-jest, ES modules',
    version: versions['ts-jest'],
    checked,
    needs: '`NODE_OPTIONS=--experimental-vm-modules`, as Jest says',
  });

  it('knows the types, mocks the package, sends through the fake API, and ends by itself', async () => {
    const { jest, 'ts-jest': tsJest } = versions;
    const app = await newApp('ts-jest-esm', {
      files: 'ts-jest-esm',
      devDependencies: { jest, 'ts-jest': tsJest, '@jest/globals': jest, ...types },
      more: { jest: { preset: 'ts-jest/presets/default-esm', moduleNameMapper: { '^(\\./.*)\\.js$': '$1' } } },
    });
    const tsconfig = { compilerOptions: { module: 'nodenext', target: 'es2022', strict: true, isolatedModules: true } };
    writeFiles(app, { 'tsconfig.json': JSON.stringify(tsconfig) });
    await expectJestPasses(3, [], { cwd: app, env: { ...installation.env, ...ES_MODULES } });
  });
});

describe('Jest with SWC', () => {
  reportApp('swc-jest', { app: '@swc/jest', version: versions['@swc/jest'], checked, needs: 'nothing' });

  it('mocks the package, sends through the fake API, and ends by itself', async () => {
    const { jest, '@swc/jest': swcJest, '@swc/core': swc } = versions;
    const app = await newApp('swc-jest', {
      files: 'ts-jest',
      devDependencies: { jest, '@swc/jest': swcJest, '@swc/core': swc },
      more: { type: 'commonjs', jest: { transform: { '\\.ts$': '@swc/jest' } } },
    });
    await expectJestPasses(3, [], { cwd: app, env: installation.env });
  });
});

describe('Jest with jsdom, as for an app with React', () => {
  reportApp('jest-jsdom', { app: 'Jest, jsdom', version: versions.jest, checked: 'a producer', needs: 'nothing' });

  it('stores messages, also while a test has set the date', async () => {
    const { jest } = versions;
    const app = await newApp('jest-jsdom', {
      files: { 'store.test.js': JSDOM },
      devDependencies: { jest, 'jest-environment-jsdom': jest },
      more: { type: 'commonjs', jest: { testEnvironment: 'jsdom' } },
    });
    await expectJestPasses(1, [], { cwd: app, env: installation.env });
  });
});

const JSDOM = `
const { closeDefaultProducer, enqueueMessage } = require('kitechat-sender');

beforeEach(() => {
  // Like every client of Redis, it needs real timers.
  const doNotFake = ['nextTick', 'queueMicrotask', 'setImmediate', 'setInterval', 'clearInterval', 'setTimeout', 'clearTimeout'];
  jest.useFakeTimers({ doNotFake, now: new Date('2020-01-01') });
});
afterAll(() => closeDefaultProducer());

it('stores a message', async () => {
  expect(document.title).toBe('');
  const message = { type: 'text', text: 'Hello' };
  expect(await enqueueMessage({ pageId: 'p1', conversationId: 'jsdom', message })).toMatchObject({ duplicate: false });
});
`;
