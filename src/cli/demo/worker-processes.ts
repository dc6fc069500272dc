import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import type { CommandContext } from '../context.ts';

/** What the demo needs of a worker's log line about an attempt. */
const attemptLine = z.object({
  msg: z.literal('attempt'),
  next: z.enum(['delivered', 'backoff', 'hold', 'dead', 'lost']),
});
export type AttemptLine = z.infer<typeof attemptLine>;

export interface WorkerProcesses {
  /** Ends them as a deploy would: SIGTERM, then wait. */
  stop(): Promise<void>;
}

/** Starts real worker processes and follows what they log. */
export function startWorkerProcesses(
  { self }: CommandContext,
  count: number,
  env: Record<string, string>,
  onAttempt: (attempt: AttemptLine) => void,
): WorkerProcesses {
  const children = Array.from({ length: count }, (): ChildProcess => {
    const child = spawn(self.command, [...self.args, 'worker'], {
      // Nothing of the caller's environment: the demo must never meet a real Redis, key or API.
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
      // A Ctrl-C on the terminal is for the demo, which ends its workers itself.
      detached: true,
    });
    createInterface({ input: child.stdout }).on('line', (text) => {
      const parsed = attemptLine.safeParse(jsonOrNull(text));
      if (parsed.success) onAttempt(parsed.data);
    });
    return child;
  });

  return {
    async stop() {
      await Promise.all(
        children.map(async (child) => {
          if (child.exitCode !== null || child.signalCode !== null) return;
          child.kill('SIGTERM');
          await once(child, 'exit');
        }),
      );
    },
  };
}

function jsonOrNull(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
