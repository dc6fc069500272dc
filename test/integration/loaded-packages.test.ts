import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { useRedis } from '../support/use-redis.ts';

const used = useRedis();
const script = new URL('../support/loaded-packages-process.ts', import.meta.url).pathname;
/** What only workers, the command line and the console need. */
const HEAVY = /^(?:bullmq|undici|pino|prom-client|hono|@hono\/|@bull-board\/|commander)/;

async function loadedFor(entry: string): Promise<string[]> {
  const { stdout } = await promisify(execFile)(process.execPath, [script, entry], { env: { REDIS_URL: used.url } });
  return JSON.parse(stdout) as string[];
}

it.each(['producer', 'dead-letters'])('the %s, used in full, loads nothing that only workers need', async (entry) => {
  const loaded = await loadedFor(entry);
  expect(loaded).toContain('ioredis');
  expect(loaded.filter((name) => HEAVY.test(name))).toEqual([]);
});

it('a worker that runs loads what it needs', async () => {
  expect(await loadedFor('worker')).toEqual(expect.arrayContaining(['bullmq', 'undici', 'pino']));
});
