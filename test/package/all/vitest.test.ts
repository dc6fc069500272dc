import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { newApp, writeFiles } from '../support/new-app.ts';
import { reportApp } from '../support/report-app.ts';
import { run } from '../support/run.ts';
import { useInstallation } from '../support/use-installation.ts';

const vitest = '5.1.2';
const installation = useInstallation({ worker: false });

describe('Vitest', () => {
  reportApp('vitest', {
    app: 'Vitest',
    version: vitest,
    checked: 'tests that replace the package by a mock, and tests with a producer, a worker and the fake API',
    needs: 'nothing',
  });
  let app: string;

  beforeAll(async () => {
    app = await newApp('vitest', { files: 'vitest', devDependencies: { vitest } });
  });

  const expectPasses = async (...options: readonly string[]): Promise<void> => {
    const args = ['run', '--reporter=json', '--outputFile=result.json', ...options];
    const { stdout, stderr } = await run('vitest', args, { cwd: app, env: installation.env });
    const result: unknown = JSON.parse(readFileSync(join(app, 'result.json'), 'utf8'));
    expect(result).toMatchObject({ numPassedTests: 3, numTotalTests: 3, success: true });
    expect(stdout + stderr).not.toMatch(/hanging|timed out|still running|unhandled/i);
  };

  // Threads and VM contexts have a realm of their own.
  it.each(['forks', 'threads', 'vmForks', 'vmThreads'])(
    'mocks the package, sends through the fake API, and ends by itself, in %s',
    async (pool) => {
      await expectPasses(`--pool=${pool}`);
    },
  );

  it('does so too where Vite transforms the package', async () => {
    const config = "export default { test: { server: { deps: { inline: ['kitechat-sender'] } } } };\n";
    writeFiles(app, { 'inline.config.js': config });
    await expectPasses('--config=inline.config.js');
  });
});
