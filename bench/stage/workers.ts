import { killWithParent } from '../../src/testing/redis/kill-with-parent.ts';
import { type CommandProcess, startCommand } from '../../test/support/command-line.ts';
import { eventually } from '../../test/support/eventually.ts';
import { isIdOf } from '../../test/support/open-requests.ts';
import { openStatus } from './status.ts';

/** Starts a worker process, and waits until the fleet counts its concurrency. */
export async function startWorker(env: Record<string, string>): Promise<CommandProcess> {
  await using status = openStatus(env);
  // At level `info` a worker writes a line for each attempt.
  const worker = startCommand(['worker'], { LOG_LEVEL: 'error', ...env });
  const release = killWithParent(worker.pid, null);
  void worker.ended().then(release);
  try {
    await eventually('the worker is registered', async () => {
      const { workers } = await status.read();
      return workers.some(({ id }) => isIdOf(worker, id));
    });
  } catch (error) {
    await worker[Symbol.asyncDispose]();
    throw new Error(`a worker didn't start; it wrote:\n${worker.stdout.join('\n')}`, { cause: error });
  }
  return worker;
}
