import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { installNode } from '../support/node-versions.ts';
import { manifest } from '../support/repository.ts';
import { programOf, versions } from '../support/tools.ts';

const run = promisify(execFile);
const project = inject('project');
const command = join(project, 'node_modules', manifest.name, manifest.bin['kitechat-sender'] ?? '');

const oldNodes = ['20.20.2', '18.20.8'];
const otherRuntimes = [
  { name: 'Bun', tool: 'bun', evaluate: ['--eval'], start: [] },
  { name: 'Deno', tool: 'deno', evaluate: ['eval'], start: ['run', '--allow-all'] },
] as const;

/** What a program calls first of each entry. */
const calls = [
  {
    entry: manifest.name,
    call: `enqueueMessage({ pageId: 'p1', conversationId: 'c1', message: { type: 'text', text: 'Hello' } })`,
  },
  { entry: manifest.name, call: 'createProducer()' },
  { entry: `${manifest.name}/worker`, call: `createWorker({ apiKey: 'key' })` },
  { entry: `${manifest.name}/dead-letters`, call: 'openDeadLetters()' },
  { entry: `${manifest.name}/testing`, call: 'startFakeKitechat()' },
];

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kitechat-runtimes-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs a program, and returns what it wrote and how it ended. */
async function ran(program: string, args: readonly string[]): Promise<{ said: string; exitCode: number }> {
  const env = { PATH: process.env['PATH'], HOME: folder, KITECHAT_API_KEY: 'key', REDIS_URL: 'redis://127.0.0.1:1' };
  try {
    const { stdout, stderr } = await run(program, args, { cwd: project, env });
    return { said: stdout + stderr, exitCode: 0 };
  } catch (error) {
    const { stdout, stderr, code } = error as { stdout: string; stderr: string; code: number };
    return { said: stdout + stderr, exitCode: code };
  }
}

const failureOf = (load: string, call: string): string =>
  `(async () => (${load}).${call})().then(() => console.log('no error'), ({ code, problems }) => console.log(code, ...(problems ?? [])))`;

describe.each(oldNodes)('on Node.js %s, which is too old,', (version) => {
  const sentence = `kitechat-sender needs Node 22.19 or later; this is Node ${version}`;
  let node: string;

  beforeAll(() => {
    node = installNode(folder, version);
  });

  it.each(calls)('$call says so in one sentence', async ({ entry, call }) => {
    for (const loaded of [`await import('${entry}')`, `require('${entry}')`]) {
      const { said } = await ran(node, ['--eval', failureOf(loaded, call)]);
      expect(said.trim(), loaded).toBe(`INVALID_CONFIG ${sentence}`);
    }
  });

  it('the command says so, and exits with 2', async () => {
    expect(await ran(node, [command, 'status'])).toEqual({ said: `${sentence}\n`, exitCode: 2 });
  });
});

describe.each(otherRuntimes)('in $name', ({ name, tool, evaluate, start }) => {
  const sentence =
    `a worker needs Node 22.19 or later; this is ${name} ${versions[tool]}, where only the other parts of kitechat-sender work. ` +
    'Run the worker with node';
  let program: string;

  beforeAll(async () => {
    [program] = await programOf(tool);
  });

  it('createWorker says at once that a worker needs Node', async () => {
    const source = failureOf(`await import('${manifest.name}/worker')`, `createWorker({ apiKey: 'key' })`);
    const { said } = await ran(program, [...evaluate, source]);
    expect(said.trim()).toBe(`INVALID_CONFIG ${sentence}`);
  });

  it('the command "worker" says so, and exits with 2', async () => {
    const { said, exitCode } = await ran(program, [...start, command, 'worker']);
    expect(said).toContain(sentence);
    expect(exitCode).toBe(2);
  });
});
