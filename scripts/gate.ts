/**
 * Runs the npm scripts named as arguments one after another and stops at the first that fails.
 * Leaves its counts in reports/gate.json.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';

const steps = process.argv.slice(2);
let passed = 0;
let failedStep: string | undefined;

for (const step of steps) {
  console.log(`\n▶ ${step}`);
  const startedAt = performance.now();
  const { status } = spawnSync('npm', ['run', '--silent', step], {
    stdio: 'inherit',
    shell: process.platform === 'win32',
    // The check of the package packs what the step before it has built; each pack would build it again.
    env: { ...process.env, npm_config_ignore_scripts: 'true' },
  });
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  if (status !== 0) {
    console.error(`✖ ${step} failed after ${seconds} s`);
    failedStep = step;
    break;
  }
  console.log(`✔ ${step} (${seconds} s)`);
  passed += 1;
}

mkdirSync('reports', { recursive: true });
writeFileSync('reports/gate.json', JSON.stringify({ passed, failed: failedStep === undefined ? 0 : 1 }));

if (failedStep === undefined) {
  console.log(`\ngate: all ${passed} steps passed`);
} else {
  console.error(`\ngate: stopped at ${failedStep}, ${passed} of ${steps.length} steps passed`);
  process.exitCode = 1;
}
