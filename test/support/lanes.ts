import { randomUUID } from 'node:crypto';
import { monotonicFactory } from 'ulid';
import { type Claim, claim } from '../../src/shared/lanes/claim.ts';
import { enqueue, type EnqueueResult } from '../../src/shared/lanes/enqueue.ts';
import { type FleetRules, registerWorker } from '../../src/shared/lanes/register.ts';
import { settle, type Settlement, type SettleResult } from '../../src/shared/lanes/settle.ts';
import { laneOf, messageId } from '../../src/shared/keys.ts';
import type { LaneRedis } from '../../src/shared/lanes/commands.ts';
import type { MessagePayload } from '../../src/shared/payload.ts';
import { openShard, type Shard } from '../../src/shared/queues.ts';
import { keysOf } from './keys-of.ts';

/** The lanes of one shard, driven step by step as BullMQ and a worker would. */
export interface Lanes {
  shard: Shard;
  store(message: {
    page?: string;
    conversation: string;
    ttlMs?: number;
    id?: string;
    replayOf?: string;
  }): Promise<string>;
  tryStore(message: Parameters<Lanes['store']>[0] & { maxQueued?: number }): Promise<EnqueueResult>;
  /** Takes the next job from `wait` into `active` under a lock, as BullMQ does. `null` if none is released. */
  take(lockMs?: number): Promise<{ id: string; token: string } | null>;
  claim(taken: Taken, attempt?: string): Promise<Claim>;
  settle(taken: Taken, attempt: string, settlement: Settlement, survived?: boolean): Promise<SettleResult>;
  /** What BullMQ does with a job that is dead, and with one that is put off. */
  finish(taken: Taken): Promise<void>;
  putOff(taken: Taken): Promise<void>;
  /** What BullMQ does when a delay is over, and when a lock has ended. */
  comeBack(id: string): Promise<void>;
  stall(taken: Taken): Promise<void>;
  /** Who is released: the ids in `wait`, first to be taken first. */
  released(): Promise<string[]>;
  lane(conversation: string, page?: string): Promise<string[]>;
  window(page?: string): Promise<string[]>;
  /** All the shard's keys, without BullMQ's own records of what has been. */
  keys(): Promise<string[]>;
  limitWindow(size: number): Promise<void>;
}

export interface Taken {
  id: string;
  token: string;
}

/** No limits, and a fixed page window or none. */
export function rulesOf(window = 0): FleetRules {
  return { window, pageLimit: null, limit: null };
}

/** What becomes of a message that the API has taken; it stays known for an hour. */
export const delivered: Settlement = { kind: 'delivered', keepMs: 3_600_000 };

const ulid = monotonicFactory();

export async function openLanes(redis: LaneRedis, namespace: string = randomUUID()): Promise<Lanes> {
  const shard = await openShard(redis, namespace, 0);
  const send = `${shard.root}send:`;

  const tryStore: Lanes['tryStore'] = async ({
    page = 'p1',
    conversation,
    ttlMs = 60_000,
    id,
    replayOf,
    maxQueued = 1e6,
  }) => {
    const payload: MessagePayload = {
      v: 1,
      request: { pageId: page, conversationId: conversation, message: { type: 'text', text: 'hello' } },
      ...(replayOf === undefined ? {} : { replayOf }),
    };
    return await enqueue(shard, { id: id ?? messageId(0, ulid()), payload, ttlMs, maxQueued, idempotency: undefined });
  };

  return {
    shard,
    tryStore,
    async store(message) {
      const id = message.id ?? messageId(0, ulid());
      const { verdict } = await tryStore({ ...message, id });
      if (verdict !== 'stored') throw new Error(verdict);
      return id;
    },
    async take(lockMs = 60_000) {
      const id = await redis.rpoplpush(`${send}wait`, `${send}active`);
      if (id === null) return null;
      const token = randomUUID();
      await redis.set(`${send}${id}:lock`, token, 'PX', lockMs);
      return { id, token };
    },
    claim: async ({ id, token }, attempt = randomUUID()) => await claim(shard, { id, token, attempt }),
    settle: async ({ id, token }, openAttempt, settlement, survived = true) =>
      await settle(shard, { id, token, openAttempt, record: null, survived }, settlement),
    async finish({ id }) {
      await redis.multi().lrem(`${send}active`, 1, id).del(`${send}${id}:lock`).del(`${send}${id}`).exec();
    },
    async putOff({ id }) {
      await redis.multi().lrem(`${send}active`, 1, id).del(`${send}${id}:lock`).zadd(`${send}delayed`, 1, id).exec();
    },
    async comeBack(id) {
      await redis.multi().zrem(`${send}delayed`, id).lpush(`${send}wait`, id).exec();
    },
    async stall({ id }) {
      await redis.multi().lrem(`${send}active`, 1, id).del(`${send}${id}:lock`).rpush(`${send}wait`, id).exec();
    },
    released: async () => (await redis.lrange(`${send}wait`, 0, -1)).toReversed(),
    lane: async (conversation, page = 'p1') =>
      await redis.lrange(`${shard.root}lane:${laneOf(page, conversation)}`, 0, -1),
    window: async (page = 'p1') => (await redis.hkeys(`${shard.root}window:${page}`)).toSorted(),
    async keys() {
      const found = await keysOf(redis, `${shard.root.replaceAll(/[{}]/g, '?')}*`);
      const bookkeeping = /:(events|meta|id|marker|fleet|workers|stalled-check)$/;
      return found
        .filter((key) => !bookkeeping.test(key))
        .map((key) => key.slice(shard.root.length))
        .toSorted();
    },
    async limitWindow(size) {
      await registerWorker(shard, 'test', null, rulesOf(size));
    },
  };
}
