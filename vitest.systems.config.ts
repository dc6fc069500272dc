import { defineConfig } from 'vitest/config';

// Whole systems, and what becomes of them: processes that are killed or stand still, clusters, clocks that step, TLS. They take minutes,
// and some need `openssl`, `faketime`, `nginx` and `tinyproxy`: `npm run test:systems` runs these, `npm test` doesn't.
export default defineConfig({
  test: {
    include: ['test/systems/**/*.test.ts', 'test/integration/lanes-model.test.ts'],
    env: { MODEL_RUNS: process.env['MODEL_RUNS'] ?? '150' },
    pool: 'forks',
    maxWorkers: 6,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    reporters: ['default', 'json'],
    outputFile: { json: 'reports/systems.json' },
  },
});
