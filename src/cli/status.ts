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
    const found = await readStatus(session, config, deadlineIn(config.enqueueTimeoutMs));
    if (json) jsonLine(stdout, documented(found));
    else line(stdout, describe(found));
    return exitCodes.done;
  } finally {
    await session.close();
  }
}

/** In the order of the documentation: what workers say of themselves comes back from Redis in any. */
function documented({ workers, ...others }: Status): Status {
  return {
    ...others,
    workers: workers.map(({ id, version, since, concurrency, sending }) => ({
      id,
      version,
      since,
      concurrency,
      sending,
    })),
  };
}

function describe({ holds, workers, oldestQueuedMs, ...counts }: Status): string {
  const parts = [
    table([Object.keys(counts), Object.values(counts)]),
    counts.queued > 0 ? `The oldest queued message has waited ${inWords(oldestQueuedMs)}.` : '',
    workers.length === 0
      ? 'No worker is running: nothing is sent. Start one with "kitechat-sender worker".'
      : table([
          ['worker', 'version', 'since', 'concurrency', 'sending'],
          ...workers.map((worker) => [worker.id, worker.version, worker.since, worker.concurrency, worker.sending]),
        ]),
    holds.length === 0
      ? ''
      : table([
          ['hold', 'page', 'conversation', 'reason', 'until'],
          ...holds.map((hold) => [
            hold.scope,
            hold.page ?? null,
            hold.conversation ?? null,
            hold.reason,
            hold.until ?? null,
          ]),
        ]),
  ];
  return parts.filter((part) => part !== '').join('\n\n');
}

function inWords(durationMs: number): string {
  const seconds = Math.floor(durationMs / 1000);
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 120 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
