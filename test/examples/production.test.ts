import { completed } from '../support/settings.ts';
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startFakeKitechat } from '../../src/testing/index.ts';
import { startTestRedis } from '../support/redis.ts';
import { variables } from '../../src/shared/config/variables.ts';
import { repository } from '../package/support/repository.ts';
import { runProcess, startCommand } from '../support/command-line.ts';

const run = promisify(execFile);
const composePrograms = ['docker compose', 'docker-compose'].filter(isThere);

let copy: string;
const inCopy = (...path: readonly string[]): string => join(copy, 'examples/production', ...path);
const compose = (): string => readFileSync(inCopy('docker-compose.yml'), 'utf8');

beforeAll(() => {
  // Secrets are made beside the compose file: not in the repository.
  copy = mkdtempSync(join(tmpdir(), 'kitechat-production-'));
  for (const folder of ['examples/production', 'ops/redis-acl']) {
    cpSync(join(repository, folder), join(copy, folder), { recursive: true });
  }
  rmSync(inCopy('secrets'), { recursive: true, force: true });
  execFileSync('sh', [inCopy('make-secrets.sh')], { input: 'the-api-key\n', stdio: ['pipe', 'ignore', 'ignore'] });
});

afterAll(() => rmSync(copy, { recursive: true, force: true }));

describe('examples/production', () => {
  it.skipIf(composePrograms.length === 0).each(composePrograms)('is a file that %s takes', async (words) => {
    const [program = '', ...args] = words.split(' ');
    const { stdout } = await run(program, [...args, '--file', inCopy('docker-compose.yml'), 'config']);
    expect(stdout).toContain('read_only: true');
  });

  it('sets only variables that the worker knows, and leaves it more time to stop than it may take', () => {
    const known = new Set(variables.flatMap(({ name, fileName }) => [name, fileName]));
    const set = [...compose().matchAll(/^ {6}((?:KITECHAT|REDIS)_[A-Z_]+):/gm)].map(([, name]) => name);
    expect(set.filter((name) => !known.has(name))).toEqual([]);
    const graces = [...compose().matchAll(/stop_grace_period: (\d+)s/g)].map(([, seconds]) => Number(seconds) * 1000);
    expect(Math.min(...graces)).toBeGreaterThan(completed().shutdownMs);
  });

  it('makes secrets that no other user of the machine can look at, and never a second time', () => {
    const [folder] = execFileSync('ls', ['-ld', inCopy('secrets')], { encoding: 'utf8' }).split(' ');
    expect(folder).toMatch(/^drwx------/);
    const again = spawnSync('sh', [inCopy('make-secrets.sh')], { input: 'another', encoding: 'utf8' });
    expect(again.status).toBe(1);
    expect(readFileSync(inCopy('secrets/kitechat-api-key'), 'utf8')).toBe('the-api-key\n');
  });

  it('delivers with its users of Redis, its keys and its settings', async () => {
    const [, options = ''] = /- redis-server\n([\s\S]*?)\n {4}volumes:/.exec(compose()) ?? [];
    const args = [...options.matchAll(/^ {6}- (.*)$/gm)]
      .map(([, word = '']) => word.replaceAll("'", ''))
      .map((word) => (word === '/run/secrets/redis-users' ? inCopy('secrets/redis-users.acl') : word));
    // Its own health check has a user, as the container's has.
    await using redis = await startTestRedis({ args });
    await using api = await startFakeKitechat({ apiKeys: ['the-api-key'] });
    const urlOf = (role: string): string =>
      readFileSync(inCopy('secrets', `redis-${role}-url`), 'utf8')
        .trim()
        .replace('redis:6379', `127.0.0.1:${redis.port}`);
    const keys = { KITECHAT_ENCRYPTION_KEYS_FILE: inCopy('secrets/encryption-keys.json') };

    await using worker = startCommand(['worker'], {
      ...keys,
      REDIS_URL: urlOf('worker'),
      KITECHAT_API_URL: api.url,
      KITECHAT_API_KEY_FILE: inCopy('secrets/kitechat-api-key'),
    });
    await worker.lineWhere('stdout', (line) => line.includes('taking messages'));
    const line = JSON.stringify({ pageId: 'p1', conversationId: 'c1', message: { type: 'text', text: 'Hello' } });
    const sent = await runProcess(['send'], { ...keys, REDIS_URL: urlOf('producer') }, `${line}\n`);
    expect(sent).toMatchObject({ exitCode: 0 });
    await api.waitForAccepted(1);
    const status = await runProcess(['status', '--json'], { ...keys, REDIS_URL: urlOf('operator') });
    expect(JSON.parse(status.stdout[0] ?? '')).toMatchObject({ queued: 0, dead: 0 });
  });
});

function isThere(words: string): boolean {
  const [program = '', ...args] = words.split(' ');
  return spawnSync(program, [...args, 'version'], { stdio: 'ignore' }).status === 0;
}
