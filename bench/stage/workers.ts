import { killWithParent } from '../../src/testing/kill-with-parent.ts';
import { type CommandProcess, startCommand } from '../../test/support/command-line.ts';

/** The log line by which a worker says that the fleet counts it. */
const STARTED = 'taking messages';

/** Starts a worker process, and waits until the fleet counts its concurrency. */
export async function startWorker(env: Record<string, string>): Promise<CommandProcess> {
  const worker = startCommand(['worker'], { ...env, LOG_LEVEL: 'info' });
  const release = killWithParent(worker.pid, null);
  void worker.ended().then(release);
  try {
    await worker.lineWhere('stdout', (line) => line.includes(STARTED));
  } catch (error) {
    await worker[Symbol.asyncDispose]();
    throw new Error('a worker did not start', { cause: error });
  }
  return worker;
}
