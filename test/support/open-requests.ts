import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type { Shard } from '../../src/shared/lanes/shard.ts';
import type { CommandProcess } from './command-line.ts';
import { eventually } from './eventually.ts';

/** A request that was open according to Redis when its worker was stopped. */
export interface OpenRequest {
  id: string;
  /** The stored message. */
  request: unknown;
  struckAt: number;
}

/** Whether a worker process registered under the id. */
export function isIdOf(worker: CommandProcess, id: string): boolean {
  return id.startsWith(`${hostname()}-${worker.pid}-`);
}

/** Stops a worker process at once. @returns its open requests */
export async function stopAndCount(shard: Shard, worker: CommandProcess): Promise<OpenRequest[]> {
  worker.kill('SIGSTOP');
  // Redis still runs commands that the worker has already written to its socket, so count until nothing changes.
  let open = await openRequestsOf(shard, worker);
  for (let before = -1; before !== open.length;) {
    before = open.length;
    await delay(100);
    open = await openRequestsOf(shard, worker);
  }
  return open;
}

/** Stops a worker process when it has open requests: it may settle all of them at once, so several tries may be needed. */
export async function stopInMidSend(shard: Shard, worker: CommandProcess): Promise<OpenRequest[]> {
  return await eventually('the worker stands still in mid-send', async () => {
    const open = await stopAndCount(shard, worker);
    if (open.length === 0) worker.kill('SIGCONT');
    return open.length > 0 && open;
  });
}

async function openRequestsOf({ redis, root }: Shard, worker: CommandProcess): Promise<OpenRequest[]> {
  const struckAt = Date.now();
  const ids = await redis.lrange(`${root}send:active`, 0, -1);
  const jobs = await Promise.all(
    ids.map(async (id) => ({ id, fields: await redis.hmget(`${root}send:${id}`, 'attempt', 'data') })),
  );
  return jobs.flatMap(({ id, fields: [attempt, data] }) =>
    attempt && isIdOf(worker, attempt) && data ? [{ id, struckAt, request: JSON.parse(data) as unknown }] : [],
  );
}
