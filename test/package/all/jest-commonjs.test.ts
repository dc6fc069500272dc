import { beforeAll, describe, it } from 'vitest';
import { newApp } from '../support/new-app.ts';
import { reportApp } from '../support/report-app.ts';
import { expectJestPasses } from '../support/run-jest.ts';
import { useInstallation } from '../support/use-installation.ts';

const jest = '30.5.2';
const installation = useInstallation({ worker: false });

describe('Jest in CommonJS, without configuration', () => {
  reportApp('jest', {
    app: 'Jest, CommonJS',
    version: jest,
    checked: 'tests that replace the package by a mock, and tests with a producer, a worker and the fake API',
    needs: 'nothing',
  });
  let app: string;

  beforeAll(async () => {
    app = await newApp('jest', { files: 'jest', devDependencies: { jest }, more: { type: 'commonjs' } });
  });

  it('mocks the package, sends through the fake API, and ends by itself', async () => {
    await expectJestPasses(4, [], { cwd: app, env: installation.env });
  });
});
