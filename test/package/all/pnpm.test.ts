import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { programOf, versions } from '../support/tools.ts';
import { emptyApp } from '../support/new-app.ts';
import { expectAllWorks } from '../support/all-entries.ts';
import { reportApp } from '../support/report-app.ts';
import { manifest } from '../support/repository.ts';
import { run } from '../support/run.ts';
import { useInstallation } from '../support/use-installation.ts';

const installation = useInstallation();
const { expectDelivery } = installation;

describe('pnpm', () => {
  reportApp('pnpm', {
    app: 'pnpm',
    version: versions.pnpm,
    checked: '`pnpm add`, `--frozen-lockfile`; a producer, a worker, dead letters, the fake API, the command',
    needs: 'nothing',
  });
  let pnpm: (folder: string, ...args: readonly string[]) => Promise<unknown>;

  beforeAll(async () => {
    const [program, ...first] = await programOf('pnpm');
    pnpm = async (folder, ...args) => await run(program, [...first, ...args], { cwd: folder });
  });

  it('adds the package without a question, and installs it elsewhere from the lock file', async () => {
    const app = emptyApp('pnpm', 'producer');
    // pnpm ends with 1 if a package has an install script that nobody has allowed.
    await pnpm(app, 'add', inject('tarball'));
    await expectDelivery('node', ['send.ts'], { cwd: app });

    const deployed = emptyApp('pnpm-deployed', 'producer');
    for (const file of ['package.json', 'pnpm-lock.yaml']) cpSync(join(app, file), join(deployed, file));
    await pnpm(deployed, 'install', '--frozen-lockfile');
    await expectDelivery('node', ['send.ts'], { cwd: deployed });
    // What the package forgot to name as a dependency, it would not find here.
    await expectAllWorks('node', [], { cwd: deployed, env: installation.env });
    const { stdout } = await run('kitechat-sender', ['--version'], { cwd: deployed });
    expect(stdout.trim()).toBe(manifest.version);
  });
});
