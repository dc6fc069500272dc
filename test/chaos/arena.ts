import {
  createProducer,
  type EnqueueItem,
  EnqueueUncertainError,
  type Producer,
  QueueUnavailableError,
} from '../../src/producer/index.ts';
import { openDeadLetters, type DeadLetters } from '../../src/dead-letters/index.ts';
import type { LaneRedis } from '../../src/shared/lanes/commands.ts';
import { openQueues, type ShardQueues } from '../../src/shared/lanes/queues.ts';
import { type Shard, shardOn } from '../../src/shared/lanes/shard.ts';
import { connectPatiently } from '../../src/shared/session/connect.ts';
import type { FakeKitechatOptions } from '../../src/testing/index.ts';
import { setTimeout as delay } from 'node:timers/promises';
import { type ApiProcess, startApi } from '../support/api/start.ts';
import { createFleet, type Fleet } from './fleet.ts';
import { seededRandom } from './random.ts';

/** What a scenario runs on: one Redis, or several behind one URL. */
export interface AnyRedis extends AsyncDisposable {
  readonly url: string;
}

export interface ArenaOptions<Server extends AnyRedis> {
  seed: number;
  startRedis(): Promise<Server>;
  workers: number;
  api?: FakeKitechatOptions;
  /** The workers' settings, as environment variables. */
  env?: Record<string, string>;
}

/** A Redis, an API behind a gate that can be shut, and a fleet of worker processes, all of which scenarios break. */
export interface Arena<Server = AnyRedis> {
  random(): number;
  server: Server;
  api: ApiProcess;
  fleet: Fleet;
  shard: Shard;
  /** BullMQ's queue of messages. */
  sendQueue: ShardQueues['send'];
  deadLetters: DeadLetters;
  /** The time at which each message was certainly stored, by the identity of the message. */
  stored: Map<string, number>;
  /** Messages for which a call could not say whether they were stored. */
  uncertain: Set<string>;
  /** Kills of Redis while a part of its AOF was unwritten, and the writes it had just acknowledged. */
  unwritten: { kills: number; stored: Set<string>; delivered: number };
  /** Stores messages as a careful app does: repeats each call with the same key until it succeeds. */
  store(items: readonly EnqueueItem[]): Promise<void>;
  /** Stores the messages of each conversation in sequence and all conversations concurrently, spread over some time. */
  storeSlowly(items: readonly EnqueueItem[], overMs: number): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export async function openArena<Server extends AnyRedis>(options: ArenaOptions<Server>): Promise<Arena<Server>> {
  const stack = new AsyncDisposableStack();
  const server = stack.use(await options.startRedis());
  const api = stack.use(await startApi({ seed: options.seed, ...options.api }));
  const redis: LaneRedis = connectPatiently({ redisUrl: server.url });
  stack.defer(() => redis.disconnect());
  const shard = shardOn(redis, 'kitechat', 0);
  const { send: sendQueue } = await openQueues(shard);
  const producer = stack.use(createProducer({ redisUrl: server.url }));
  const deadLetters = stack.use(openDeadLetters({ redisUrl: server.url }));
  const random = seededRandom(options.seed);
  const fleet = stack.use(
    createFleet({
      shard,
      random,
      env: {
        REDIS_URL: server.url,
        KITECHAT_API_URL: api.url,
        KITECHAT_API_KEY: 'key',
        KITECHAT_TIMEOUT_MS: '2500',
        KITECHAT_BACKOFF_MS: '100',
        KITECHAT_BACKOFF_MAX_MS: '1000',
        KITECHAT_ATTEMPTS: '100',
        KITECHAT_CONCURRENCY: '25',
        KITECHAT_SHUTDOWN_MS: '5000',
        LOG_LEVEL: 'error',
        ...options.env,
      },
    }),
  );
  await Promise.all(Array.from({ length: options.workers }, () => fleet.start()));
  const stored = new Map<string, number>();
  const uncertain = new Set<string>();

  async function storeOne(item: EnqueueItem): Promise<void> {
    const identity = identityOf(item);
    if (await storeUntilSure(producer, item, identity)) uncertain.add(identity);
    stored.set(identity, Date.now());
  }

  return {
    random,
    server,
    api,
    fleet,
    shard,
    sendQueue,
    deadLetters,
    stored,
    uncertain,
    unwritten: { kills: 0, stored: new Set(), delivered: 0 },
    async store(items) {
      for (let start = 0; start < items.length; start += 500) {
        const part = items.slice(start, start + 500);
        await producer.enqueueMessages(part);
        for (const item of part) stored.set(identityOf(item), Date.now());
      }
    },
    async storeSlowly(items, overMs) {
      const conversations = Map.groupBy(items, ({ pageId, conversationId }) => `${pageId}/${conversationId}`);
      await Promise.all(
        [...conversations.values()].map(async (messages) => {
          for (const item of messages) {
            await delay((2 * random() * overMs) / messages.length);
            await storeOne(item);
          }
        }),
      );
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** @returns whether a call could not say if it had stored the message. */
async function storeUntilSure(producer: Producer, item: EnqueueItem, key: string): Promise<boolean> {
  const { pageId, conversationId, message } = item;
  let wasUncertain = false;
  for (;;) {
    try {
      await producer.enqueueMessage({ pageId, conversationId, message }, { idempotencyKey: key });
      return wasUncertain;
    } catch (error) {
      if (error instanceof EnqueueUncertainError) wasUncertain = true;
      else if (!(error instanceof QueueUnavailableError)) throw error;
      await delay(50);
    }
  }
}

export function identityOf({
  pageId,
  conversationId,
  message,
}: {
  pageId: string | null;
  conversationId: string | null;
  message: unknown;
}): string {
  return JSON.stringify([pageId, conversationId, message]);
}
