import type { Redis } from 'ioredis';
import { isInternalError } from '../errors/failed-calls.ts';
import { isCluster, isConnected, mastersOf, nodeOf, type RedisClient } from './cluster.ts';
import { deadlineIn, within } from './deadline.ts';

interface Moment {
  ms: number;
  /** The clock of the machine: the other one stands still while a virtual machine is suspended. */
  wallMs: number;
}

/** When something was last heard on a connection. */
const heard = new WeakMap<Redis, Moment>();
const probes = new WeakMap<Redis, Promise<void>>();

/** Starts to note when something is heard on a connection to one server. */
export function noteAnswers(redis: Redis): void {
  redis.on('connect', () => {
    const moment: Moment = { ms: 0, wallMs: 0 };
    const note = (): void => {
      moment.ms = performance.now();
      moment.wallMs = Date.now();
    };
    note();
    heard.set(redis, moment);
    redis.stream.on('data', note);
  });
}

/** For how long nothing was heard on the connection to the node that has a key. */
export function silentForMs(redis: RedisClient, key: string): number {
  const node = nodeOf(redis, key);
  return node === undefined || isCluster(node) ? 0 : silenceOf(node);
}

function silenceOf(node: Redis): number {
  const moment = heard.get(node);
  return moment === undefined ? 0 : Math.max(performance.now() - moment.ms, Date.now() - moment.wallMs);
}

/**
 * Finds out whether connections on which nothing was heard for a time still work: a firewall, a NAT or a frozen process may have lost
 * them without a word, mostly those to all nodes of a cluster at once. One on which no answer comes is ended, so that a new one is opened.
 */
export async function probeSilent(
  redis: RedisClient,
  { silentMs, limitMs }: { silentMs: number; limitMs: number },
): Promise<void> {
  const silent = mastersOf(redis).filter((node) => isConnected(node) && silenceOf(node) >= silentMs);
  await Promise.all(silent.map((node) => probe(node, limitMs)));
}

async function probe(node: Redis, limitMs: number): Promise<void> {
  const probing = probes.get(node) ?? ping(node, limitMs).finally(() => probes.delete(node));
  probes.set(node, probing);
  await probing;
}

async function ping(node: Redis, limitMs: number): Promise<void> {
  const { stream } = node;
  try {
    await within(deadlineIn(limitMs), node.ping());
  } catch (error) {
    if (isInternalError(error)) throw error;
    // A refusal is an answer, too.
    if (!(error instanceof Error && error.name === 'ReplyError')) stream.destroy();
  }
}
