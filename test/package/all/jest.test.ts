import { beforeAll, describe, it } from 'vitest';
import { newApp } from '../support/new-app.ts';
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
    await expectJestPasses(3, [], { cwd: app, env: { ...installation.env, ...ES_MODULES } });
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
