import { loadConfig } from '../shared/config.ts';
import { deadlineIn } from '../shared/deadline.ts';
import { createSession } from '../shared/session.ts';
import { readStatus, type Status } from '../shared/status.ts';
import { type CommandContext, type ExitCode, exitCodes, jsonLine, line } from './context.ts';
import { table } from './table.ts';

/** `status`: the counts, holds and workers. */
export async function status({ env, stdout }: CommandContext, { json }: { json?: boolean }): Promise<ExitCode> {
  const config = loadConfig(env);
  const session = createSession(config);
  try {
    const found = await readStatus(session, config.shards, deadlineIn(config.enqueueTimeoutMs));
    if (json) jsonLine(stdout, found);
    else line(stdout, describe(found));
    return exitCodes.done;
  } finally {
    await session.close();
  }
}

function describe({ holds, workers, oldestQueuedMs, ...counts }: Status): string {
  const parts = [
    table([Object.keys(counts), Object.values(counts)]),
    counts.queued > 0 ? `The oldest queued message has waited ${(oldestQueuedMs / 1000).toFixed(1)} s.` : '',
    workers.length === 0
      ? 'No worker is running: nothing is sent. Start one with "kitechat-sender worker".'
      : table([
          ['worker', 'version', 'since', 'concurrency', 'sending'],
          ...workers.map((worker) => [worker.id, worker.version, worker.since, worker.concurrency, worker.sending]),
        ]),
    holds.length === 0
      ? ''
      : table([['hold', 'reason', 'until'], ...holds.map((h) => [h.scope, h.reason, h.until ?? ''])]),
  ];
  return parts.filter((part) => part !== '').join('\n\n');
}
