import { defineConfig } from 'vitest/config';

// Whole systems, and what becomes of them: processes that are killed or stand still, clusters, clocks that step, TLS, nginx and proxies. They
// take minutes, and some need `openssl`, `faketime`, `nginx`, `tinyproxy`, `redis-sentinel` and `haproxy`: `npm run test:systems` runs these, `npm test` doesn't.
// Repeats of what others show, with more processes or a longer run: `npm run test:systems:all`.
const repeats = [
  'brake-recipients',
  'canary-library',
  'clock-redis-back-deaths',
  'dead-letters-many',
  'demo',
  'healthcheck',
  'idle-connections',
  'log-unwritable',
  'sentinel-load',
  'stopped-again',
  'stopped-frozen-worker',
];
const left = process.env['SYSTEMS'] === 'all' ? [] : repeats.map((name) => `test/systems/${name}.test.ts`);
const brake = 'test/systems/brake-*.test.ts';
const alone = {
  pool: 'forks',
  // Modules are loaded once for all files of a worker: no test changes them for the others.
  isolate: false,
  testTimeout: 120_000,
  hookTimeout: 120_000,
  env: { MODEL_RUNS: process.env['MODEL_RUNS'] ?? '150' },
} as const;

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...alone,
          name: 'systems',
          include: ['test/systems/**/*.test.ts', 'test/integration/lanes-model.test.ts'],
          exclude: [brake, ...left],
          maxWorkers: 6,
          sequence: { groupOrder: 0 },
        },
      },
      // How fast an API's limit is found out depends on how fast requests follow each other: these run when the others have ended.
      {
        test: { ...alone, name: 'brake', include: [brake], exclude: left, maxWorkers: 2, sequence: { groupOrder: 1 } },
      },
    ],
    reporters: ['default', 'json'],
    outputFile: { json: 'reports/systems.json' },
  },
});
