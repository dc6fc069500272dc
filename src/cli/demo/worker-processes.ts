import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import * as z from 'zod';
import { killWithParent } from '../../testing/redis/kill-with-parent.ts';
import type { CommandContext } from '../context/context.ts';

/** The fields that the demo needs from a worker's log line about an attempt. */
const attemptLine = z.object({
  msg: z.literal('attempt'),
  next: z.enum(['delivered', 'backoff', 'hold', 'dead', 'lost']),
});
export type AttemptLine = z.infer<typeof attemptLine>;

export interface WorkerProcesses {
  readonly pids: readonly number[];
  /** Aborted when a worker process ends without being stopped. */
  readonly failed: AbortSignal;
  /** Stops the processes as a deployment would: sends SIGTERM, then waits. */
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Starts worker processes and follows their logs. They end with this process, however it ends. */
export function startWorkerProcesses(
  { self }: CommandContext,
  count: number,
  env: Record<string, string>,
  onAttempt: (attempt: AttemptLine) => void,
): WorkerProcesses {
  const failure = new AbortController();
  let stopping = false;
  const children = Array.from({ length: count }, () => {
    const child = spawn(self.command, [...self.args, 'worker'], {
      // Without the caller's environment: the demo must never use a real Redis, key or API.
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
      // A Ctrl-C on the terminal must reach only the demo, which stops its workers itself.
      detached: true,
    });
    createInterface({ input: child.stdout }).on('line', (text) => {
      const parsed = attemptLine.safeParse(jsonOrNull(text));
      if (parsed.success) onAttempt(parsed.data);
    });
    // `error` means that it couldn't be started. On `close`, its output has been read.
    const closed = new Promise<void>((resolve) => {
      child.on('close', resolve).on('error', () => resolve());
    });
    void closed.then(() => stopping || failure.abort());
    if (child.pid !== undefined) child.once('exit', killWithParent(child.pid, null));
    return { child, closed };
  });

  async function stop(): Promise<void> {
    stopping = true;
    for (const { child } of children) child.kill('SIGTERM');
    await Promise.all(children.map(({ closed }) => closed));
  }

  return {
    pids: children.flatMap(({ child }) => child.pid ?? []),
    failed: failure.signal,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

function jsonOrNull(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
