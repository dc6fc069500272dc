import { defineConfig } from 'vitest/config';
import { notOnCluster } from './test/support/not-on-cluster.ts';

// The tests of integration and of systems once more, each with a Redis Cluster in place of one Redis: `npm run test:cluster`.
export default defineConfig({
  test: {
    include: ['test/{integration,systems}/**/*.test.ts'],
    exclude: Object.keys(notOnCluster).map((name) => `test/{integration,systems}/${name}.test.ts`),
    env: { TEST_REDIS: 'cluster' },
    pool: 'forks',
    // Each file has six processes of its own.
    maxWorkers: 1,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    reporters: ['default', 'json'],
    outputFile: { json: 'reports/cluster.json' },
  },
});
