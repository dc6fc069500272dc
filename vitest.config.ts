import { defineConfig } from 'vitest/config';

// What needs a container engine, which not every machine has, is run by `npm run test:container`; what takes long, or needs other
// programs than a Redis, by `npm run test:systems`.
const folders = process.env['TEST_REDIS'] === 'container' ? ['container'] : ['unit', 'integration'];

export default defineConfig({
  test: {
    include: folders.map((folder) => `test/${folder}/**/*.test.ts`),
    pool: 'forks',
    // Most tests wait most of the time: for another process, or for a moment.
    maxWorkers: 4,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    reporters: ['default', 'json'],
    outputFile: { json: 'reports/tests.json' },
    coverage: { provider: 'v8', include: ['src/**/*.ts'] },
  },
});
