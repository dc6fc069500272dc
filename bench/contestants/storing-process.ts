/** Stores messages as it is asked to. Arguments: the module of the adapter, the store. */
import { setTimeout as delay } from 'node:timers/promises';
import { monotonicMs } from '../../test/support/api/monotonic-ms.ts';
import { requestOf, requestsOf, type Workload } from '../workload.ts';
import type { Adapter } from './adapter.ts';
import type { Storing, StoringTask } from './storing.ts';

const STORED_AT_ONCE = 500;
/** So many requests are made up at a time: a million of them would fill the memory. */
const MADE_UP_AT_ONCE = 50_000;

const [, , adapterUrl = '', storeUrl = ''] = process.argv;
const { openStoringSide } = (await import(adapterUrl)) as Adapter;
const side = await openStoringSide(storeUrl);

async function storeInBatches(workload: Workload): Promise<Storing> {
  return await inParts(workload, async (requests) => {
    for (let from = 0; from < requests.length; from += STORED_AT_ONCE) {
      await side.storeBatch(requests.slice(from, from + STORED_AT_ONCE));
    }
  });
}

async function storeWithCallers(workload: Workload, callers: number): Promise<Storing> {
  return await inParts(workload, async (requests) => {
    const waiting = requests.values();
    const call = async (): Promise<void> => {
      for (const request of waiting) await side.storeOne(request);
    };
    await Promise.all(Array.from({ length: callers }, call));
  });
}

async function inParts(
  { conversations, messages, from = 0 }: Workload,
  store: (requests: ReturnType<typeof requestsOf>) => Promise<void>,
): Promise<Storing> {
  let tookMs = 0;
  let processorUs = 0;
  for (let part = 0; part < messages; part += MADE_UP_AT_ONCE) {
    const size = Math.min(MADE_UP_AT_ONCE, messages - part);
    const requests = requestsOf({ conversations, messages: size, from: from + part });
    const startedAtMs = monotonicMs();
    const usedBefore = process.cpuUsage();
    await store(requests);
    const { user, system } = process.cpuUsage(usedBefore);
    tookMs += monotonicMs() - startedAtMs;
    processorUs += user + system;
  }
  return { tookMs, processorUs, latestMs: 0 };
}

async function storeAtPace({ conversations, messages, from = 0 }: Workload, perSecond: number): Promise<Storing> {
  const startedAtMs = monotonicMs();
  const usedBefore = process.cpuUsage();
  const calls: Promise<void>[] = [];
  let latestMs = 0;
  for (let index = 0; index < messages; index += 1) {
    const dueAtMs = startedAtMs + (index * 1000) / perSecond;
    const earlyMs = dueAtMs - monotonicMs();
    if (earlyMs > 0) await delay(earlyMs);
    const nowMs = monotonicMs();
    latestMs = Math.max(latestMs, nowMs - dueAtMs);
    calls.push(side.storeOne(requestOf(from + index, conversations, nowMs.toFixed(3))));
  }
  await Promise.all(calls);
  const { user, system } = process.cpuUsage(usedBefore);
  return { tookMs: monotonicMs() - startedAtMs, processorUs: user + system, latestMs };
}

async function run(task: StoringTask): Promise<Storing> {
  switch (task.do) {
    case 'batches':
      return await storeInBatches(task.workload);
    case 'callers':
      return await storeWithCallers(task.workload, task.callers);
    case 'pace':
      return await storeAtPace(task.workload, task.perSecond);
  }
}

process.on('message', (task: StoringTask) => {
  void run(task).then((storing) => process.send?.(storing));
});
process.on('disconnect', () => process.exit(0));
process.send?.('ready');
