import { askRedis } from '../shared/ask-redis.ts';
import { type ConfigOptions, resolveConfig } from '../shared/config.ts';
import { deadlineIn } from '../shared/deadline.ts';
import type { DeadLetterRecord } from '../shared/dead-letter-record.ts';
import { readMessage } from '../shared/message-record.ts';
import type { Shard } from '../shared/queues.ts';
import { createSession } from '../shared/session.ts';
import { type DeadLetterEntry, type DeadLetterFilter, deadLettersOf } from './list.ts';
import { replayOne, type ReplayResult, type ReplaySelection } from './replay.ts';

export interface DeadLetters {
  /** The newest entries that match. `limit` is 100 if not given. */
  list(filter?: DeadLetterFilter & { limit?: number | undefined }): Promise<DeadLetterEntry[]>;
  /** One entry whole; `null` if the id is no dead letter's. */
  get(id: string): Promise<DeadLetterRecord | null>;
  /** How many there are. */
  count(): Promise<number>;
  /**
   * Sends entries again, each at the end of its conversation, under a new id. What can't be sent again is skipped and
   * stays. If Redis fails in between, the entries before are done and the others stay.
   */
  replay(selection: ReplaySelection): Promise<ReplayResult>;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

const DEFAULT_LIMIT = 100;

/**
 * Opens the dead letters of an installation. Every method throws QueueUnavailableError if Redis does not answer.
 *
 * @param options settings that differ from the defaults; the environment is not read.
 * @throws ConfigError for settings that can't work.
 * @example
 * await using deadLetters = openDeadLetters({ redisUrl: 'redis://127.0.0.1:6379' });
 * for (const entry of await deadLetters.list({ reason: 'rejected' })) console.log(entry.id, entry.response);
 */
export function openDeadLetters(options: ConfigOptions = {}): DeadLetters {
  const config = resolveConfig(options);
  const session = createSession(config);
  const newDeadline = () => deadlineIn(config.enqueueTimeoutMs);

  async function shards(): Promise<Shard[]> {
    const deadline = newDeadline();
    return await Promise.all(Array.from({ length: config.shards }, (_, index) => session.shard(index, deadline)));
  }

  return {
    async list({ limit = DEFAULT_LIMIT, ...filter } = {}) {
      const newest = (await shards()).map((shard) => take(limit, deadLettersOf(shard, filter, config.keepDeadMs)));
      const entries = (await askRedis(newDeadline(), Promise.all(newest))).flat();
      return entries.toSorted((one, other) => other.deadAt.localeCompare(one.deadAt)).slice(0, limit);
    },
    async get(id) {
      const record = await readMessage(session, config, id, newDeadline());
      return record?.status === 'dead' ? record : null;
    },
    async count() {
      const counting = (await shards()).map((shard) => shard.redis.zcard(`${shard.root}dead:failed`));
      const counts = await askRedis(newDeadline(), Promise.all(counting));
      return counts.reduce((total, count) => total + count, 0);
    },
    async replay({ ids, force = false, onReplayed }) {
      const result: ReplayResult = { matched: 0, done: 0, skipped: [] };
      for (const id of new Set(ids)) {
        const replayed = await replayOne(session, config, { id, force, deadline: newDeadline() });
        if ('newId' in replayed) {
          result.matched += 1;
          result.done += 1;
          onReplayed?.(id, replayed.newId);
        } else {
          if (replayed.why !== 'not found') result.matched += 1;
          result.skipped.push({ id, why: replayed.why });
        }
      }
      return result;
    },
    close: () => session.close(),
    [Symbol.asyncDispose]: () => session.close(),
  };
}

async function take(limit: number, entries: AsyncIterable<DeadLetterEntry>): Promise<DeadLetterEntry[]> {
  const taken: DeadLetterEntry[] = [];
  for await (const entry of entries) {
    if (taken.length >= limit) break;
    taken.push(entry);
  }
  return taken;
}
