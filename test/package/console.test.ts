import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { beforeAll, expect, it } from 'vitest';
import { newApp } from './support/new-app.ts';
import { npm } from './support/npm.ts';
import { manifest } from './support/repository.ts';
import { environmentOf } from './support/run.ts';
import { useInstallation } from './support/use-installation.ts';

const installation = useInstallation({ worker: false });
let app: string;

beforeAll(async () => {
  app = await newApp('console');
});

/** Starts the console of the app, asks for a page, and ends the console. */
async function pageOf(path: string): Promise<{ status: number; text: string }> {
  const command = join(app, 'node_modules', manifest.name, manifest.bin['kitechat-sender'] ?? '');
  const env = environmentOf(app, { ...installation.env, KITECHAT_HTTP_PORT: '0' });
  const console = spawn(process.execPath, [command, 'console'], { cwd: app, env, stdio: ['ignore', 'ignore', 'pipe'] });
  try {
    for await (const line of createInterface({ input: console.stderr })) {
      const [url] = /http:\/\/\S+\//.exec(line) ?? [];
      if (url === undefined) continue;
      const response = await fetch(new URL(path, url));
      return { status: response.status, text: await response.text() };
    }
    throw new Error('the console ended before it said where it is');
  } finally {
    if (console.exitCode === null) {
      console.kill('SIGKILL');
      await once(console, 'exit');
    }
  }
}

it('the console needs nothing more but for the board of the queues, for which it asks in one sentence', async () => {
  const overview = await pageOf('/');
  expect(overview.status).toBe(200);
  expect(overview.text).toContain('<title>Overview');
  const { status, text } = await pageOf('/queues');
  expect(status).toBe(501);
  const [, command = ''] = /run &quot;npm (install @bull-board\/ui@[\d.]+)&quot;/.exec(text) ?? [];
  npm(app, ...command.split(' '));
  const board = await pageOf('/queues');
  expect(board.status).toBe(200);
  expect(board.text).toContain('<title>Queues</title>');
});
