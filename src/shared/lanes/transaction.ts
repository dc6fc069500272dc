import type { Queue } from 'bullmq';
import { Job } from 'bullmq';
import type { LaneCommands, LaneRedis } from './commands.ts';
import { createScriptLine, inLine, type ScriptLine } from './script-line.ts';

type BullClient = Awaited<ReturnType<Queue['getBackend']>['client']>;
type BullTransaction = ReturnType<BullClient['multi']>;

/** A MULTI in the making: BullMQ's adds and our scripts, in the order in which they will run. */
export type Transaction = BullTransaction & LaneCommands<unknown>;

/** What one dead letter is to BullMQ. */
export interface JobToAdd {
  id: string;
  name: string;
  data: unknown;
}

/**
 * Adds a job that no worker may have yet. BullMQ's own retries are not ours: a job that fails by a fault of this code
 * is taken again, never counted.
 */
export async function addHidden(transaction: Transaction, queue: Queue, job: JobToAdd): Promise<void> {
  await new Job(queue, job.name, job.data, { attempts: 1_000_000 }, job.id).addJob(transaction, {
    addToWaitingChildren: true,
  });
}

const lines = new WeakMap<LaneRedis, ScriptLine>();

/**
 * Runs a MULTI and reads every result.
 *
 * @param fill adds the commands; it is called again if the MULTI has to be sent again, and what it throws is thrown
 * @returns the result of the last command.
 * @throws the first error among the results, or what the connection answered.
 */
export async function runTransaction(
  redis: LaneRedis,
  queue: Queue,
  fill: (transaction: Transaction) => Promise<void>,
): Promise<unknown> {
  // Inside a MULTI ioredis never learns that Redis has lost our scripts.
  const line = lines.get(redis) ?? createScriptLine(() => forgetLoadedScripts(redis));
  lines.set(redis, line);
  try {
    return await inLine(line, async () => {
      const client = await queue.getBackend().client;
      const transaction = client.multi() as Transaction;
      await fill(transaction);
      return lastResult(await transaction.exec());
    });
  } catch (error) {
    throw reasonOf(error);
  }
}

/** A script that is defined anew goes out in full the first time, and that can't fail for want of it. */
function forgetLoadedScripts(redis: LaneRedis): void {
  const defined = Object.entries<{ lua: string; numberOfKeys: number }>(redis.scriptsSet);
  for (const [name, { lua, numberOfKeys }] of defined) redis.defineCommand(name, { lua, numberOfKeys });
}

function lastResult(results: [Error | null, unknown][] | null): unknown {
  if (results === null) throw new Error('the transaction was discarded');
  for (const [error] of results) if (error) throw error;
  return results.at(-1)?.[1];
}

/** EXEC says only that something was refused before; ioredis puts beside it what that was: `OOM`, `LOADING`. */
function reasonOf(error: unknown): unknown {
  if (!(error instanceof Error) || !error.message.startsWith('EXECABORT')) return error;
  return (error as { previousErrors?: unknown[] }).previousErrors?.[0] ?? error;
}
