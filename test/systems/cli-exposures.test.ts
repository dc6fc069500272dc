import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createWorker } from '../../src/worker/index.ts';
import { newFolderOfTest } from '../support/folder-of-test.ts';
import { startHttpProcess } from '../support/http-process.ts';
import { useRedis } from '../support/use-redis.ts';
import { readableLogger } from '../unit/worker/log-lines.ts';

const used = useRedis();

/** A file that every user can read. */
function openFile(text: string): string {
  const path = join(newFolderOfTest(), 'SECRET');
  writeFileSync(path, text);
  chmodSync(path, 0o644);
  return path;
}

/** The variables of a process that lets others have its secrets in each of the ways that a worker and a console know. */
function exposed(namespace: string): Record<string, string> {
  return {
    REDIS_URL_FILE: openFile(used.url),
    KITECHAT_NAMESPACE: namespace,
    // Nothing is sent there.
    KITECHAT_API_URL: 'http://api.invalid/',
    KITECHAT_API_KEY_FILE: openFile('a-key-of-the-api'),
    KITECHAT_CONSOLE_TOKEN_FILE: openFile('aaaaaaaaaaaaaaaa'),
  };
}

/** The variable or option that each warning begins with. */
function warnedOf(lines: readonly string[]): string[] {
  return lines
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as { level: string | number; msg: string })
    .filter(({ level, msg }) => [40, 'warn'].includes(level) && /^(?:REDIS_|KITECHAT_|api)/.test(msg))
    .map(({ msg }) => msg.split(' ', 1)[0] ?? '');
}

it('a worker warns once of each setting that lets others have its secrets, after its first line', async () => {
  await using worker = await startHttpProcess('worker', exposed('worker'));
  await worker.lineWhere('stdout', (line) => line.includes('KITECHAT_CONSOLE_TOKEN_FILE'));
  expect(worker.stdout[0]).toContain('the worker starts');
  expect(warnedOf(worker.stdout)).toEqual([
    'KITECHAT_API_URL',
    'REDIS_URL_FILE',
    'KITECHAT_API_KEY_FILE',
    'KITECHAT_CONSOLE_TOKEN',
    'KITECHAT_CONSOLE_TOKEN_FILE',
  ]);
  expect([...worker.stdout, ...worker.stderr].join('\n')).not.toMatch(/SECRET|aaaaaaaa/);
});

it('a console on its own warns of what it uses, and of nothing that only workers use', async () => {
  await using console = await startHttpProcess('console', exposed('console'));
  expect(warnedOf(console.stderr)).toEqual(['REDIS_URL_FILE', 'KITECHAT_CONSOLE_TOKEN', 'KITECHAT_CONSOLE_TOKEN_FILE']);
  expect(console.stderr.join('\n')).not.toMatch(/SECRET|aaaaaaaa/);
});

it('a worker of your own warns in the names of its options', async () => {
  const { logger, lines } = readableLogger();
  const worker = createWorker({
    redisUrl: used.url,
    namespace: 'own',
    apiUrl: 'http://api.invalid/',
    apiKeyFile: openFile('a-key-of-the-api'),
    logger,
  });
  worker.on('ready', () => void worker.close());
  await worker.run();
  expect(warnedOf(lines)).toEqual(['apiUrl', 'apiKeyFile']);
});
