import { join } from 'node:path';
import { describe, it } from 'vitest';
import { randomPort } from '../../../src/testing/redis/random-port.ts';
import { startNode } from '../../support/command-line.ts';
import { moveAway, newApp } from '../support/new-app.ts';
import { reportApp } from '../support/report-app.ts';
import { run } from '../support/run.ts';
import { useInstallation } from '../support/use-installation.ts';

const nitropack = '2.13.6';
const installation = useInstallation();
const { expectArrival } = installation;

describe('Nitro, the server of Nuxt', () => {
  reportApp('nitro', { app: 'Nitro (Nuxt)', version: nitropack, checked: 'a producer, built', needs: 'nothing' });

  it('sends messages from a folder to which only its output was moved', async () => {
    const config = "export default { compatibilityDate: '2026-01-01' };\n";
    const files = { 'routes/index.ts': ROUTE, 'nitro.config.ts': config };
    const app = await newApp('nitro', { files, devDependencies: { nitropack } });
    await run('nitropack', ['build'], { cwd: app });
    const output = moveAway(join(app, '.output'));
    const port = String(randomPort());
    const env = { ...installation.env, PORT: port, HOST: '127.0.0.1' };
    await using server = startNode([join(output, 'server/index.mjs')], env);
    await server.lineWhere('stdout', (line) => line.startsWith('Listening'));
    const text = 'Hello from Nitro 🪁';
    const response = await fetch(`http://127.0.0.1:${port}/?text=${encodeURIComponent(text)}`);
    const { id } = (await response.json()) as { id: string };
    await expectArrival(id, text);
  });
});

const ROUTE = `
import { enqueueMessage } from 'kitechat-sender';

export default defineEventHandler(async (event) => {
  const text = String(getQuery(event).text);
  return await enqueueMessage({ pageId: 'p1', conversationId: 'c1', message: { type: 'text', text } });
});
`;
