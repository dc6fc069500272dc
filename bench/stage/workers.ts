import type { Shard } from '../../src/shared/queues.ts';
import { killWithParent } from '../../src/testing/kill-with-parent.ts';
import { type CommandProcess, startCommand } from '../../test/support/command-line.ts';
import { eventually } from '../../test/support/eventually.ts';
import { workerIdOf } from '../../test/support/open-requests.ts';

/** Starts a worker process, and waits until the fleet counts its concurrency. */
export async function startWorker({ redis, root }: Shard, env: Record<string, string>): Promise<CommandProcess> {
  const worker = startCommand(['worker'], env);
  const release = killWithParent(worker.pid, null);
  void worker.ended().then(release);
  try {
    await eventually('the worker is registered', () => redis.hexists(`${root}workers`, workerIdOf(worker)));
  } catch (error) {
    await worker[Symbol.asyncDispose]();
    throw new Error(`a worker didn't start; it wrote:\n${worker.stdout.join('\n')}`, { cause: error });
  }
  return worker;
}
