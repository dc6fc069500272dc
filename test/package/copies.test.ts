import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, inject, it } from 'vitest';
import { connectionName } from '../../src/shared/lanes/key-names.ts';
import { useRedis } from '../support/use-redis.ts';
import { manifest } from './support/repository.ts';

const run = promisify(execFile);
const project = inject('project');
const used = useRedis();

/** Enqueues with the ES modules and with the CommonJS copy, and reports what the copy's class says of an error. */
const PROGRAM = `
  import { createRequire } from 'node:module';
  import { Redis } from 'ioredis';
  import * as modules from '${manifest.name}';
  const copy = createRequire(import.meta.url)('${join(project, 'node_modules', manifest.name, 'dist/cjs/producer/index.js')}');
  const message = { type: 'text', text: 'Hello' };
  await modules.enqueueMessage({ pageId: 'p1', conversationId: 'c1', message });
  const error = await copy.enqueueMessage({ pageId: 'p1', conversationId: 'c2', message }).catch((refused) => refused);
  const redis = new Redis(process.env.REDIS_URL);
  const connections = String(await redis.client('LIST')).split('name=${connectionName('copies')} ').length - 1;
  redis.disconnect();
  await copy.closeDefaultProducer();
  console.log(JSON.stringify({
    areCopies: copy.enqueueMessage !== modules.enqueueMessage,
    connections,
    known: [modules, copy].map(({ QueueFullError }) => error instanceof QueueFullError),
    other: error instanceof copy.ConfigError,
  }));`;

it('ES modules and the CommonJS copy of the package share the default producer and know its errors', async () => {
  const env = {
    PATH: process.env['PATH'],
    REDIS_URL: used.url,
    KITECHAT_NAMESPACE: 'copies',
    KITECHAT_MAX_QUEUED: '1',
  };
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', PROGRAM], { cwd: project, env });
  expect(JSON.parse(stdout)).toEqual({ areCopies: true, connections: 1, known: [true, true], other: false });
});
