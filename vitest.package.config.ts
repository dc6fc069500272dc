import { defineConfig } from 'vitest/config';

// Packs the package and installs it as a user would, which needs npm's registry: `npm run test:package` runs these on the oldest
// Node.js that it supports, `npm run test:package:all` on all of them, and in the apps whose tools take long.
const slow = 'test/package/all/**/*.test.ts';
export default defineConfig({
  test: {
    include: ['test/package/**/*.test.ts', 'test/examples/**/*.test.ts'],
    // These are the tests of the apps themselves.
    exclude: ['test/package/apps/**', ...(process.env['PACKAGE_NODES'] === 'all' ? [] : [slow])],
    globalSetup: 'test/package/support/install-package.ts',
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 180_000,
    hookTimeout: 120_000,
    reporters: ['default', 'json'],
    outputFile: { json: 'reports/package.json' },
  },
});
