import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { manifest } from '../support/repository.ts';
import { programOf, versions } from '../support/tools.ts';
import { emptyApp } from '../support/new-app.ts';
import { expectAllWorks } from '../support/all-entries.ts';
import { reportApp } from '../support/report-app.ts';
import { run } from '../support/run.ts';
import { useInstallation } from '../support/use-installation.ts';

const installation = useInstallation();
const { expectDelivery } = installation;

describe('Yarn 1', () => {
  reportApp('yarn', { app: 'Yarn 1', version: versions.yarn, checked: 'a producer', needs: 'nothing' });

  it('installs the package, which sends', async () => {
    const app = emptyApp('yarn', 'producer', { dependencies: { [manifest.name]: `file:${inject('tarball')}` } });
    const [node, program] = await programOf('yarn');
    await run(node, [program ?? '', 'install'], { cwd: app });
    await expectDelivery('node', ['send.ts'], { cwd: app });
  });
});

describe('Yarn 4', () => {
  reportApp('yarn-pnp', {
    app: 'Yarn 4 with Plug’n’Play',
    version: versions.berry,
    checked: '`--immutable`; a producer, a worker, dead letters, the fake API, the command',
    needs: 'nothing',
  });
  let yarn: readonly [string, ...string[]];

  beforeAll(async () => {
    yarn = await programOf('berry');
  });

  it('installs the package into its archive, from which it sends', async () => {
    const app = emptyApp('yarn-pnp', 'producer');
    // Yarn takes a folder for a project of its own by its lock file.
    writeFileSync(join(app, 'yarn.lock'), '');
    const [program, ...args] = yarn;
    await run(program, [...args, 'add', `${manifest.name}@file:${inject('tarball')}`], { cwd: app });
    await run(program, [...args, 'install', '--immutable'], { cwd: app });
    await expectDelivery(program, [...args, 'node', 'send.ts'], { cwd: app });
    await expectAllWorks(program, [...args, 'node'], { cwd: app, env: installation.env });
    const { stdout } = await run(program, [...args, 'kitechat-sender', '--version'], { cwd: app });
    expect(stdout.trim()).toBe(manifest.version);
  });
});

describe('npm', () => {
  it('gives the package its own versions where the app of a workspace has others, and both work', async () => {
    const other = { ioredis: '5.8.2', zod: '3.25.76', ulid: '2.3.0' };
    const notify = { [manifest.name]: `file:${inject('tarball')}`, shop: '*' };
    const files = {
      'shop/package.json': JSON.stringify({ name: 'shop', dependencies: other }),
      'shop/index.js': SHOP,
      'notify/package.json': JSON.stringify({ name: 'notify', type: 'module', dependencies: notify }),
      'notify/send.js': NOTIFY,
    };
    const app = emptyApp('workspaces', files, { workspaces: ['shop', 'notify'], dependencies: other });
    await run('npm', ['install', '--no-audit', '--no-fund'], { cwd: app });
    await expectDelivery('node', ['notify/send.js'], { cwd: app });
  });
});

/** Uses its own versions, and Redis through them. */
const SHOP = `
const { Redis } = require('ioredis');
const { z } = require('zod');
exports.text = async () => {
  const redis = new Redis(process.env.REDIS_URL);
  await redis.set('shop', process.env.TEXT);
  const text = z.string().parse(await redis.get('shop'));
  await redis.quit();
  if (!('ZodFirstPartyTypeKind' in z)) throw new Error('not the zod of the shop');
  return text;
};`;

const NOTIFY = `
import { enqueueMessage, InvalidMessageError } from 'kitechat-sender';
import { text } from 'shop';
const message = { type: 'text', text: await text() };
const refused = await enqueueMessage({ pageId: '', conversationId: 'c1', message }).catch((error) => error);
if (!(refused instanceof InvalidMessageError)) throw refused;
console.log((await enqueueMessage({ pageId: 'p1', conversationId: 'c1', message })).id);`;
