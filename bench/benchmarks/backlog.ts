import { setTimeout as delay } from 'node:timers/promises';
import type { Contestant } from '../contestants/contestant.ts';
import type { PlainApi } from '../stage/plain-api.ts';

const LOOK_MS = 20;
const STORED_AT_ONCE = 500;
/** Processes that fill at a time: one alone and its store would wait for each other. */
const FILLING = 2;

export interface Backlog extends AsyncDisposable {
  /** Keeps the backlog as long as it is while the work goes on: what is sent is stored anew, after the others. */
  whileWorking<T>(work: Promise<T>): Promise<T>;
}

/** Messages that wait for a worker. The API must not forget what has arrived. */
export async function openBacklog(
  contestant: Contestant,
  api: PlainApi,
  { conversations, waiting }: { conversations: number; waiting: number },
): Promise<Backlog> {
  const part = Math.ceil(waiting / FILLING / conversations) * conversations;
  const starts = Array.from({ length: FILLING }, (_, index) => index * part).filter((from) => from < waiting);
  await Promise.all(
    starts.map(async (from) => {
      await contestant.pileUp({ conversations, from, messages: Math.min(part, waiting - from) });
    }),
  );
  const storing = await contestant.startStoring();
  let stored = waiting;

  const topUp = async (): Promise<void> => {
    const { arrived } = await api.tally();
    const missing = waiting - (stored - arrived);
    if (missing < Math.min(STORED_AT_ONCE, waiting / 2)) return;
    await storing.run({ do: 'batches', workload: { conversations, messages: missing, from: stored } });
    stored += missing;
  };

  return {
    async whileWorking(work) {
      const working = new AbortController();
      const done = work.finally(() => working.abort());
      // The loop below may be the first to fail.
      done.catch(() => {});
      while (!working.signal.aborted) {
        await topUp();
        await delay(LOOK_MS);
      }
      return await done;
    },
    [Symbol.asyncDispose]: () => storing[Symbol.asyncDispose](),
  };
}
