import { beforeAll, describe, it } from 'vitest';
import { moveAway, newApp } from './support/new-app.ts';
import { reportApp } from './support/report-app.ts';
import { run } from './support/run.ts';
import { useInstallation } from './support/use-installation.ts';

const versions = { esbuild: '0.28.2' };
const { expectDelivery } = useInstallation();

let app: string;

beforeAll(async () => {
  app = await newApp('bundlers', { files: 'bundle', devDependencies: versions });
});

describe('a bundle of esbuild in CommonJS', () => {
  reportApp('esbuild-cjs', {
    app: 'esbuild, CommonJS',
    version: versions.esbuild,
    checked: 'a bundled producer',
    needs: 'nothing',
  });

  it('sends messages from a folder without node_modules', async () => {
    await run('esbuild', ['send.js', '--bundle', '--platform=node', '--outfile=out/send.cjs'], { cwd: app });
    const bundle = moveAway(`${app}/out`);
    await expectDelivery('node', ['send.cjs'], { cwd: bundle });
  });
});
