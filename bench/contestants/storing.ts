import type { Workload } from '../workload.ts';
import { startProcess } from '../stage/process.ts';

/** What a process that stores messages can be asked to do. */
export type StoringTask =
  | { do: 'batches'; workload: Workload }
  /** So many callers, each of them waits until its message is stored, then stores the next one. */
  | { do: 'callers'; workload: Workload; callers: number }
  /** One message after the other in even intervals, however long each of them takes. */
  | { do: 'pace'; workload: Workload; perSecond: number };

/** What it took, without the time to make up the messages. */
export interface Storing {
  tookMs: number;
  processorUs: number;
  /** How late the latest call was, at an even pace. */
  latestMs: number;
}

export interface StoringProcess extends AsyncDisposable {
  pid: number;
  run(task: StoringTask): Promise<Storing>;
}

/** A process of its own that stores messages with a contestant's adapter. */
export async function startStoringProcess(
  adapter: URL,
  storeUrl: string,
  env: Readonly<Record<string, string>> = {},
): Promise<StoringProcess> {
  const child = await startProcess(new URL('storing-process.ts', import.meta.url), [adapter.href, storeUrl], env);
  return {
    pid: child.pid,
    run: async (task) => (await child.ask(task)) as Storing,
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  };
}
