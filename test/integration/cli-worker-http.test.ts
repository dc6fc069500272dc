import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type CommandResult, runProcess } from '../support/command-line.ts';
import { eventually } from '../support/eventually.ts';
import { startHttpProcess } from '../support/http-process.ts';
import { runCommand } from '../support/run-command.ts';
import { useFolder } from '../support/use-folder.ts';
import { useRedis } from '../support/use-redis.ts';

const TOKEN = 'CANARY-token-of-the-console';

describe.concurrent('the HTTP server of a process', () => {
  const server = useRedis();
  const folder = useFolder();
  const on = (namespace: string): Record<string, string> => ({
    REDIS_URL: server.url,
    KITECHAT_NAMESPACE: namespace,
    KITECHAT_API_KEY: 'key',
  });
  // A worker logs on the stdout of its process.
  const commands = [
    ['worker', runProcess],
    ['console', runCommand],
  ] as const;

  it.each(commands)('of a %s needs a token when others can reach it: exit 2', async (command, run) => {
    const env = { ...on('open'), KITECHAT_HTTP_PORT: '0', KITECHAT_HTTP_HOST: '0.0.0.0' };
    expectUsageError(
      await run([command], env),
      /KITECHAT_CONSOLE_TOKEN .* is missing: KITECHAT_HTTP_HOST is 0\.0\.0\.0/,
    );
  });

  it.each(commands)('of a %s needs a port that is free: exit 2', async (command, run) => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const result = await run([command], { ...on('taken'), KITECHAT_HTTP_PORT: String(port) });
    other.close();
    expectUsageError(result, new RegExp(`KITECHAT_HTTP_PORT: is in use.*asked for 127\\.0\\.0\\.1:${port}`));
  });

  it.each(commands)('of a %s needs an address of this machine: exit 2', async (command, run) => {
    const env = { ...on('elsewhere'), KITECHAT_HTTP_PORT: '0', KITECHAT_HTTP_HOST: '203.0.113.7' };
    const result = await run([command], { ...env, KITECHAT_CONSOLE_TOKEN: TOKEN });
    expectUsageError(result, /KITECHAT_HTTP_HOST: is not an address of this machine/);
  });

  it.each(commands)('of a %s lets only the probes in without the token, and never tells it', async (command) => {
    const file = join(folder, `token-${command}`);
    writeFileSync(file, `${TOKEN}\n`);
    await using started = await startHttpProcess(command, {
      ...on(`token-${command}`),
      KITECHAT_HTTP_HOST: '0.0.0.0',
      KITECHAT_CONSOLE_TOKEN_FILE: file,
      LOG_LEVEL: 'trace',
    });
    await eventually('it is ready', async () => (await started.ask('/readyz')).status === 200);
    expect((await started.ask('/healthz')).status).toBe(200);
    for (const path of ['/', '/metrics', '/queues', '/pages', '/assets/x']) {
      expect(await started.ask(path)).toMatchObject({ status: 401, body: '401: a token is needed\n' });
    }
    expect((await started.ask('/metrics', { authorization: 'Bearer nonsense' })).status).toBe(401);
    const { status, body } = await started.ask('/metrics', { authorization: `Bearer ${TOKEN}` });
    expect(status).toBe(200);
    expect(body).toMatch(/^kitechat_sender_redis_up [01]$/m);
    started.kill('SIGTERM');
    expect(await started.ended()).toBe(0);
    expect([...started.stdout, ...started.stderr].join('\n')).not.toContain('CANARY');
  });

  it('of a worker answers on loopback without a token, under any name of this machine', async () => {
    await using worker = await startHttpProcess('worker', on('loopback'));
    expect((await worker.ask('/metrics')).status).toBe(200);
    const url = worker.url.replace('127.0.0.1', 'localhost');
    expect((await fetch(new URL('/metrics', url))).status).toBe(200);
  });

  it('keeps no process from ending that is asked to, though a browser keeps its connection', async () => {
    await using worker = await startHttpProcess('worker', on('kept'));
    await eventually('it is ready', async () => (await worker.ask('/readyz')).status === 200);
    const before = performance.now();
    worker.kill('SIGTERM');
    expect(await worker.ended()).toBe(0);
    expect(performance.now() - before).toBeLessThan(10_000);
  });
});

function expectUsageError({ exitCode, stdout, stderr }: CommandResult, problem: RegExp): void {
  expect(stderr.join('\n')).toMatch(problem);
  expect(exitCode).toBe(2);
  expect(stdout).toEqual([]);
}
