import { defineConfig } from 'vitest/config';

// What needs a container engine, which not every machine has, is run by `npm run test:container`.
const folders = process.env['TEST_REDIS'] === 'container' ? ['container'] : ['unit', 'integration'];

export default defineConfig({
  test: {
    include: folders.map((folder) => `test/${folder}/**/*.test.ts`),
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    reporters: ['default', 'json'],
    outputFile: { json: 'reports/tests.json' },
    coverage: { provider: 'v8', include: ['src/**/*.ts'] },
  },
});
