import { defineConfig } from 'vitest/config';

// Needs a browser, which not every machine has: `npm run test:e2e` runs these, `npm test` doesn't.
export default defineConfig({
  test: {
    include: ['test/e2e/**/*.test.ts'],
    globalSetup: 'test/e2e/support/demand-chromium.ts',
    pool: 'forks',
    // The tests mostly wait for a page to refresh itself.
    maxWorkers: 3,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: ['default', 'json'],
    outputFile: { json: 'reports/e2e.json' },
  },
});
