import type { Queue } from 'bullmq';
import { Job } from 'bullmq';
import { whenReady } from '../redis.ts';
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

/** What is known of a connection: its transactions under way, and whether it is being renewed. */
interface ConnectionState {
  underWay: Set<Promise<unknown>>;
  renewal: Promise<void> | null;
}

const connections = new WeakMap<LaneRedis, ConnectionState>();
const RENEWAL_MS = 2000;

/**
 * Runs a MULTI and reads every result.
 *
 * @returns the result of the last command.
 * @throws the first error among the results, or what the connection answered.
 */
export async function runTransaction(
  redis: LaneRedis,
  queue: Queue,
  fill: (transaction: Transaction) => Promise<void>,
): Promise<unknown> {
  const state = connections.get(redis) ?? { underWay: new Set(), renewal: null };
  connections.set(redis, state);
  const client = await queue.getBackend().client;
  const attempt = async (): Promise<unknown> => {
    await state.renewal;
    const transaction = client.multi() as Transaction;
    await fill(transaction);
    const execution = transaction.exec();
    state.underWay.add(execution);
    try {
      return lastResult(await execution);
    } finally {
      state.underWay.delete(execution);
    }
  };
  try {
    return await attempt();
  } catch (error) {
    if (!isNoScript(error)) throw error;
    state.renewal ??= renew(redis, state);
    return await attempt();
  }
}

/**
 * After a SCRIPT FLUSH ioredis still believes that Redis has our scripts, and inside a MULTI it never learns better; only
 * a new socket makes it send them again. What is under way may end first: it must not become uncertain for this.
 */
async function renew(redis: LaneRedis, state: ConnectionState): Promise<void> {
  await Promise.allSettled(state.underWay);
  redis.disconnect(true);
  await whenReady(redis, RENEWAL_MS);
  state.renewal = null;
}

function lastResult(results: [Error | null, unknown][] | null): unknown {
  if (results === null) throw new Error('the transaction was discarded');
  for (const [error] of results) if (error) throw error;
  return results.at(-1)?.[1];
}

function isNoScript(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('NOSCRIPT');
}
