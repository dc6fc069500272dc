import { defineConfig } from 'vitest/config';

// Needs a browser, which not every machine has: `npm run test:e2e` runs these, `npm test` doesn't.
export default defineConfig({
  test: {
    include: ['test/e2e/**/*.test.ts'],
    globalSetup: 'test/e2e/support/demand-chromium.ts',
    pool: 'forks',
    // One browser at a time.
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: ['default', 'json'],
    outputFile: { json: 'reports/e2e.json' },
  },
});
