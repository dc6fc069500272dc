import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { expect, inject, it } from 'vitest';
import { useRedis } from '../support/use-redis.ts';
import { manifest, repository } from './support/repository.ts';

const project = inject('project');
const used = useRedis();

const fileOf = (name: string): string =>
  pathToFileURL(join(repository, 'node_modules/@opentelemetry', name, 'dist/index.mjs')).href;

/** Enqueues in a span with the ES modules and with the CommonJS copy, and prints the ids. The API lies outside of the app's folder. */
const PROGRAM = `
  import { createRequire } from 'node:module';
  import * as modules from '${manifest.name}';
  import { context, ROOT_CONTEXT, trace } from '${fileOf('api')}';
  import { AsyncLocalStorageContextManager } from '${fileOf('context-async-hooks')}';
  const copy = createRequire(import.meta.url)('${join(project, 'node_modules', manifest.name, 'dist/cjs/producer/index.js')}');
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  const span = trace.setSpanContext(ROOT_CONTEXT, { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1 });
  const message = { pageId: 'p1', conversationId: 'c1', message: { type: 'text', text: 'Hello' } };
  const receipts = [];
  for (const { createProducer } of [modules, copy]) {
    await using producer = createProducer({ redisUrl: process.env.REDIS_URL, namespace: 'traces' });
    receipts.push(await context.with(span, () => producer.enqueueMessage(message)));
  }
  console.log(JSON.stringify(receipts.map(({ id }) => id)));`;

it('ES modules and the CommonJS copy of the package find the span of an app whose OpenTelemetry they do not install', async () => {
  const env = { PATH: process.env['PATH'], REDIS_URL: used.url };
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', PROGRAM], {
    cwd: project,
    env,
  });
  const ids = JSON.parse(stdout) as string[];
  const stored = await Promise.all(ids.map(async (id) => await used.redis.hget(`{traces:0}:send:${id}`, 'trace')));
  expect(stored).toEqual([1, 2].map(() => `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`));
});
