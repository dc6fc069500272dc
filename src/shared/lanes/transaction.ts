import type { Queue } from 'bullmq';
import { Job } from 'bullmq';
import type { LaneCommands, LaneRedis } from './commands.ts';

type BullClient = Awaited<ReturnType<Queue['getBackend']>['client']>;
type BullTransaction = ReturnType<BullClient['multi']>;

/** A MULTI in the making: BullMQ's adds and our scripts, in the order in which they will run. */
export type Transaction = BullTransaction & LaneCommands<unknown>;

/** What one message or dead letter is to BullMQ. */
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

interface Submitted {
  /** Its place among all transactions of its connection. */
  place: number;
  send: () => Promise<unknown>;
  resolve: (reply: unknown) => void;
  reject: (error: unknown) => void;
}

/** The transactions of one connection. */
interface Line {
  redis: LaneRedis;
  submitted: number;
  underWay: number;
  /** Those that Redis lacked a script for, and all that came after them; `null` if Redis has the scripts. */
  waiting: Submitted[] | null;
}

const lines = new WeakMap<LaneRedis, Line>();

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
  const line = lines.get(redis) ?? { redis, submitted: 0, underWay: 0, waiting: null };
  lines.set(redis, line);
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  const send = async (): Promise<unknown> => {
    const client = await queue.getBackend().client;
    const transaction = client.multi() as Transaction;
    await fill(transaction);
    return lastResult(await transaction.exec());
  };
  line.submitted += 1;
  const submitted = { place: line.submitted, send, resolve, reject };
  if (line.waiting) line.waiting.push(submitted);
  else void run(line, submitted);
  return await promise;
}

/**
 * After a SCRIPT FLUSH ioredis still believes that Redis has our scripts, and inside a MULTI it never learns better. What
 * is under way ends first, then all that failed for it are sent again, in their order and before any that came later:
 * the order of a conversation must not depend on who met the flush.
 */
async function run(line: Line, submitted: Submitted): Promise<void> {
  line.underWay += 1;
  try {
    submitted.resolve(await submitted.send());
  } catch (error) {
    if (isNoScript(error)) (line.waiting ??= []).push(submitted);
    else submitted.reject(reasonOf(error));
  }
  line.underWay -= 1;
  if (!line.waiting || line.underWay > 0) return;
  const again = line.waiting.toSorted((one, other) => one.place - other.place);
  line.waiting = null;
  forgetLoadedScripts(line.redis);
  for (const each of again) void run(line, each);
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

function isNoScript(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('NOSCRIPT');
}

/** EXEC says only that something was refused before; ioredis puts beside it what that was: `OOM`, `LOADING`. */
function reasonOf(error: unknown): unknown {
  if (!(error instanceof Error) || !error.message.startsWith('EXECABORT')) return error;
  return (error as { previousErrors?: unknown[] }).previousErrors?.[0] ?? error;
}
