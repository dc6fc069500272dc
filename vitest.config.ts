import { defineConfig } from 'vitest/config';

const folder = (name: string): string => `test/${name}/**/*.test.ts`;

const unit = { name: 'unit', include: [folder('unit')] };

// What takes long, or needs other programs than a Redis, is run by `npm run test:systems`.
const integration = { name: 'integration', include: [folder('integration')] };

// Needs a container engine, which not every machine has: `npm run test:container`.
const container = { name: 'container', include: [folder('container')] };

const suites = process.env['TEST_REDIS'] === 'container' ? [container] : [unit, integration];

export default defineConfig({
  test: {
    projects: suites.map((suite) => ({
      extends: true,
      // Modules are loaded once for all files of a worker, which saves a quarter of the CPU time: no test changes them for the others.
      test: { ...suite, pool: 'forks', isolate: false, testTimeout: 120_000, hookTimeout: 120_000 },
    })),
    // Most tests wait most of the time: for another process, or for a moment.
    maxWorkers: 5,
    reporters: ['default', 'json'],
    outputFile: { json: 'reports/tests.json' },
    coverage: { provider: 'v8', include: ['src/**/*.ts'] },
  },
});
