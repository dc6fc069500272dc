import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { Webhook } from 'standardwebhooks';
import { beforeAll, expect, it } from 'vitest';
import { createProducer } from '../../src/producer/index.ts';
import { eventually } from '../support/eventually.ts';
import { textMessage } from '../support/messages.ts';
import { useRedis } from '../support/use-redis.ts';
import { newApp } from './support/new-app.ts';
import { manifest } from './support/repository.ts';
import { environmentOf } from './support/run.ts';

const NAMESPACE = 'notified';
const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const used = useRedis();
let app: string;

beforeAll(async () => {
  app = await newApp('notify');
});

it('the webhooks of the installed package arrive, and their signatures are right', async () => {
  const got: { body: string; headers: IncomingHttpHeaders }[] = [];
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      got.push({ body, headers: request.headers });
      response.writeHead(204).end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const secretFile = join(app, 'webhook-secret');
  writeFileSync(secretFile, SECRET, { mode: 0o600 });
  const command = join(app, 'node_modules', manifest.name, manifest.bin['kitechat-sender'] ?? '');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
  const env = environmentOf(app, { REDIS_URL: used.url, KITECHAT_NAMESPACE: NAMESPACE });
  const notify = spawn(process.execPath, [command, 'notify', '--url', url, '--secret-file', secretFile], {
    cwd: app,
    env,
    stdio: 'ignore',
  });
  const ended = once(notify, 'exit');
  try {
    const readers = `{${NAMESPACE}:0}:readers`;
    await eventually('the group is there', async () => (await used.redis.hexists(readers, 'seen:notify')) === 1);
    await using producer = createProducer({ redisUrl: used.url, namespace: NAMESPACE });
    const { id } = await producer.enqueueMessage(textMessage('c1', 1));
    await producer.cancelMessage(id);
    await eventually('the webhook came', () => got.length > 0);
    const [{ body, headers } = { body: '', headers: {} }] = got;
    expect(new Webhook(SECRET).verify(body, headers as Record<string, string>)).toMatchObject({
      type: 'message.cancelled',
      data: { messageId: id },
    });
    notify.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
  } finally {
    notify.kill('SIGKILL');
    await ended;
    server.close();
  }
});
