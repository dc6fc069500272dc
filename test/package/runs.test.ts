import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { RedisServer } from '../../src/testing/redis/redis-handle.ts';
import { startTestRedis } from '../support/redis.ts';
import { installNode, nodeVersions } from './support/node-versions.ts';
import { entries, manifest } from './support/repository.ts';

const run = promisify(execFile);
const project = inject('project');
const command = join(project, 'node_modules', manifest.name, manifest.bin['kitechat-sender'] ?? '');

let redis: RedisServer;
let folder: string;

beforeAll(async () => {
  redis = await startTestRedis();
  folder = mkdtempSync(join(tmpdir(), 'kitechat-nodes-'));
  cpSync(new URL('consumer/deliver.ts', import.meta.url), join(project, 'deliver.ts'));
});

afterAll(async () => {
  await redis.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe.each(nodeVersions)('on Node.js %s', (version) => {
  let node: string;

  beforeAll(() => {
    node = installNode(folder, version);
  });

  const runNode = async (args: readonly string[], env: Record<string, string> = {}): Promise<string> => {
    const { stdout } = await run(node, args, { cwd: project, env: { PATH: process.env['PATH'], ...env } });
    return stdout.trim();
  };

  it('all of its entries can be imported, and required', async () => {
    const names = JSON.stringify(entries);
    const imported = `for (const name of ${names}) if (Object.keys(await import(name)).length === 0) throw name`;
    expect(await runNode(['--input-type=module', '--eval', imported])).toBe('');
    const required = `for (const name of ${names}) require(name)`;
    expect(await runNode(['--input-type=commonjs', '--eval', required])).toBe('');
  });

  it('delivers messages from a program that knows only its public names', async () => {
    const env = { REDIS_URL: redis.url, NODE_NO_WARNINGS: '1' };
    await redis.restart();
    expect(JSON.parse(await runNode(['deliver.ts'], env))).toEqual({
      accepted: 2,
      dead: ['rejected'],
      refused: 'pageId',
    });
  });

  it('the command tells its version', async () => {
    expect(await runNode([command, '--version'])).toBe(manifest.version);
  });

  it('the demo runs to its end: workers, retries, dead letters, nothing twice, nothing out of order', async () => {
    expect(await runNode([command, 'demo'])).toMatch(/out of order\s+0\s+lost\s+0$/);
  });
});
