import { randomUUID } from 'node:crypto';
import { monotonicFactory } from 'ulid';
import { enqueue, type EnqueueResult } from '../../src/shared/lanes/messages/enqueue.ts';
import {
  type AttemptToSettle,
  callTurn,
  type Settlement,
  type SettleResult,
  type Taken,
  type Turn,
  type TurnAnswer,
} from '../../src/shared/lanes/messages/settle-and-take.ts';
import { laneOf, messageId } from '../../src/shared/lanes/key-names.ts';
import type { LaneRedis } from '../../src/shared/lanes/commands.ts';
import type { MessagePayload } from '../../src/shared/model/stored-message.ts';
import { openQueues, type ShardQueues } from '../../src/shared/lanes/queues.ts';
import { type Shard, shardOn } from '../../src/shared/lanes/shard.ts';
import { keysOf } from './keys-of.ts';
import { ended } from './settlements.ts';

/** The limits of a shard; a number that is left out means no limit. */
export interface Rules {
  window?: number;
  concurrency?: number;
  intervalMs?: number;
  burst?: number;
  pageIntervalMs?: number;
  pageBurst?: number;
}

/** The lanes of one shard, driven step by step as a worker would. */
export interface Lanes {
  shard: Shard;
  queues: ShardQueues;
  redis: LaneRedis;
  /** The prefix of BullMQ's keys for messages. */
  sendRoot: string;
  store(message: {
    page?: string;
    conversation: string;
    ttlMs?: number;
    id?: string;
    replayOf?: string;
    priority?: 'high';
    due?: { delayMs: number } | { atMs: number };
  }): Promise<string>;
  /** Stores a message in each of these conversations, in sequence. */
  storeInto(
    conversations: readonly string[],
    more?: Omit<Parameters<Lanes['store']>[0], 'conversation' | 'id'>,
  ): Promise<string[]>;
  tryStore(
    message: Parameters<Lanes['store']>[0] & { maxQueued?: number; redisFullAt?: number },
  ): Promise<EnqueueResult>;
  /** One turn of a worker; by default it has a place for each message and settles nothing. */
  turn(turn?: Partial<Turn>): Promise<TurnAnswer>;
  /** Takes the next message; `null` if there is none. */
  take(turn?: Partial<Turn>): Promise<Taken | null>;
  /** Takes the next message, which must be there. */
  takeNext(turn?: Partial<Turn>): Promise<Taken>;
  /** Takes all messages that may be sent. @returns their ids */
  takeAll(turn?: Partial<Turn>): Promise<string[]>;
  settle(
    taken: Pick<Taken, 'id' | 'attempt'>,
    settlement: Settlement,
    more?: Partial<AttemptToSettle>,
  ): Promise<SettleResult>;
  /** Does what BullMQ does when the lock of a message has expired. */
  stall(taken: Pick<Taken, 'id'>): Promise<void>;
  /** BullMQ's job of a message. */
  jobOf(id: string): Promise<Record<string, string>>;
  lane(conversation: string, page?: string): Promise<string[]>;
  /** The lanes of a page with their scores. */
  heads(page?: string): Promise<Record<string, number>>;
  /** All keys of the shard, without BullMQ's own records of past events. */
  keys(): Promise<string[]>;
  rules(rules: Rules): Promise<void>;
}

const ulid = monotonicFactory();

export async function openLanes(redis: LaneRedis, namespace: string = randomUUID()): Promise<Lanes> {
  const shard = shardOn(redis, namespace, 0);
  const queues = await openQueues(shard);
  const sendRoot = `${shard.root}send:`;

  const tryStore: Lanes['tryStore'] = async ({
    page = 'p1',
    conversation,
    ttlMs = 60_000,
    id,
    replayOf,
    maxQueued = 1e6,
    // Only Redis itself refuses.
    redisFullAt = 1e9,
    priority,
    due,
  }) => {
    const payload: MessagePayload = {
      request: { pageId: page, conversationId: conversation, message: { type: 'text', text: 'hello' } },
      ...(replayOf === undefined ? {} : { replayOf }),
    };
    const message = {
      id: id ?? messageId(0, ulid()),
      payload,
      ttlMs,
      maxQueued,
      redisFullAt,
      priority,
      due,
      idempotency: undefined,
    };
    return await enqueue(shard, message);
  };

  const turn: Lanes['turn'] = async (given = {}) =>
    await callTurn(shard, {
      token: 'worker',
      lockMs: 60_000,
      attemptPrefix: `${randomUUID()}.`,
      settlements: [],
      places: 100,
      dueSlots: 0,
      laterSlots: 0,
      look: '',
      isProbe: false,
      position: '',
      ...given,
    });

  const rules: Lanes['rules'] = async ({ window = 0, concurrency = 50, ...limits }) => {
    const pace = { intervalMs: 0, burst: 1, pageIntervalMs: 0, pageBurst: 1, ...limits };
    await redis.hset(`${shard.root}fleet`, { window, concurrency, ...pace });
  };
  await rules({});

  const store: Lanes['store'] = async (message) => {
    const id = message.id ?? messageId(0, ulid());
    const { verdict } = await tryStore({ ...message, id });
    if (verdict !== 'stored') throw new Error(verdict);
    return id;
  };
  const take: Lanes['take'] = async (given) => (await turn({ places: 1, ...given })).taken[0] ?? null;

  return {
    shard,
    queues,
    redis,
    sendRoot,
    store,
    tryStore,
    turn,
    take,
    rules,
    async storeInto(conversations, more) {
      const ids: string[] = [];
      for (const conversation of conversations) ids.push(await store({ ...more, conversation }));
      return ids;
    },
    async takeNext(given) {
      const taken = await take(given);
      if (!taken) throw new Error('there is nothing to send');
      return taken;
    },
    takeAll: async (given) => (await turn(given)).taken.map(({ id }) => id),
    async settle(taken, settlement, more) {
      const settlements = [{ ...ended(taken, settlement), ...more }];
      const [result] = (await turn({ places: 0, settlements })).settled;
      if (result === undefined || result instanceof Error) throw result ?? new Error('no answer');
      return result;
    },
    async stall({ id }) {
      await redis
        .multi()
        .lrem(`${sendRoot}active`, 1, id)
        .del(`${sendRoot}${id}:lock`)
        .rpush(`${sendRoot}wait`, id)
        .exec();
    },
    jobOf: async (id) => await redis.hgetall(`${sendRoot}${id}`),
    lane: async (conversation, page = 'p1') =>
      await redis.lrange(`${shard.root}lane:${laneOf(page, conversation)}`, 0, -1),
    async heads(page = 'p1') {
      const entries = await redis.zrange(`${shard.root}heads:${page}`, '0', '-1', 'WITHSCORES');
      return Object.fromEntries(entries.flatMap((lane, n) => (n % 2 === 0 ? [[lane, Number(entries[n + 1])]] : [])));
    },
    async keys() {
      const found = await keysOf(redis, `${shard.root.replaceAll(/[{}]/g, '?')}*`);
      const bookkeeping = /:(events|meta|id|marker|fleet|counts|workers|stalled-check)$/;
      return found
        .filter((key) => !bookkeeping.test(key))
        .map((key) => key.slice(shard.root.length))
        .toSorted();
    },
  };
}
