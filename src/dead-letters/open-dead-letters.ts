// For `Symbol.asyncDispose` in the declarations: programs that use the package need not name this library.
/// <reference lib="esnext.disposable" preserve="true" />
import { inWordsOf } from '../shared/config/config.ts';
import type { DeadLetterOptions } from '../shared/config/producer-options.ts';
import type { DeadLetterRecord } from '../shared/reading/dead-letter-record.ts';
import { readDeadLetter } from '../shared/reading/message.ts';
import type { StoredLetter } from '../shared/lanes/dead/dead-letters.ts';
import { readTimeMs } from '../shared/redis/time.ts';
import { demandKeysIfRequired } from '../shared/sealing/sealing.ts';
import { openSession } from '../shared/session/open-session.ts';
import { addCounts, type DeadLetterCounts, readCounts } from './counts.ts';
import { discard, type DiscardOptions, type DiscardResult } from './discard.ts';
import { type DeadLetterEntry, type DeadLetterFilter, entryOf, searchFilterOf } from './entry.ts';
import { createLetterSearch } from './letter-search.ts';
import { createPositions, type PageEnd } from './positions.ts';
import { replay, type ReplayOptions, type ReplayResult } from './replay.ts';
import type { DeadLetterSelection } from './selection.ts';
import { settle, type SettleOptions, type SettleResult } from './settle.ts';

/** One page of a list of dead letters. */
export interface ListPage {
  /** The maximum number of entries. Default: 100. */
  limit?: number | undefined;
  /** The last entry of the previous page, to continue after it. It may have been replayed since. */
  after?: PageEnd | undefined;
}

export interface DeadLetters {
  /**
   * Returns the newest entries that match, page by page.
   *
   * @throws UnknownPositionError if `after` is only an id, and its entry is gone and was not the last one of a page before.
   * @example
   * const first = await deadLetters.list({ reason: 'rejected', limit: 50 });
   * const second = await deadLetters.list({ reason: 'rejected', limit: 50, after: first.at(-1)?.id });
   */
  list(filter?: DeadLetterFilter & ListPage): Promise<DeadLetterEntry[]>;
  /** Returns one entry in full; `null` if there is no dead letter with this id. */
  get(id: string): Promise<DeadLetterRecord | null>;
  /** Returns the number of entries that match; of all entries without a filter. */
  count(filter?: DeadLetterFilter): Promise<number>;
  /** Returns the number of entries by reason and by page. The cost doesn't grow with the number of entries. */
  counts(): Promise<DeadLetterCounts>;
  /**
   * Yields all entries that match, the oldest first, in constant memory. Entries that die meanwhile may be included.
   *
   * @example
   * for await (const entry of deadLetters.export()) console.log(JSON.stringify(entry));
   */
  export(filter?: DeadLetterFilter): AsyncIterable<DeadLetterEntry>;
  /**
   * Sends entries again under new ids, the oldest first. Each joins the end of its conversation, or the front if the
   * conversation is held for this entry; that hold ends. Entries that can't be sent again are skipped and stay, and without
   * `force` also those that expired or may have arrived already. Entries that die while the replay runs are not replayed,
   * except those in `ids`. If Redis fails midway, the entries that were replayed before stay replayed, and the others stay
   * dead letters.
   *
   * @throws InvalidMessageError for `set`: nothing was changed.
   * @throws ConfigError if `rate` is not a rate, or if encryption is required and there are no keys.
   * @throws QueueUnavailableError, QueueFullError: entries replayed before stay replayed.
   * @throws ChangeUncertainError if no answer came back: replaying again sends nothing twice.
   * @example
   * await deadLetters.replay({ filter: { reason: 'rejected', pageId: 'p1' }, rate: '50/s' });
   * await deadLetters.replay({ ids: [id], set: { 'message.text': 'Hello' } });
   */
  replay(selection: DeadLetterSelection & ReplayOptions): Promise<ReplayResult>;
  /**
   * Removes entries permanently. A conversation that is held for one of them continues without its message.
   *
   * @throws QueueUnavailableError: entries removed before stay removed.
   * @throws ChangeUncertainError if no answer came back: discarding again does no harm.
   */
  discard(selection: DeadLetterSelection & DiscardOptions): Promise<DiscardResult>;
  /**
   * Notes what you found out about a message that may have arrived, such as one that died as `unknown-outcome`. `delivered`: the
   * entry becomes a delivered message whose proof is `operator`, and a conversation that is held for it continues.
   * `not-delivered`: the entry stays, and a replay of it needs no `force`. Settling an entry twice changes nothing more.
   *
   * @throws InvalidMessageError for options that are not valid: nothing was changed.
   * @throws QueueUnavailableError: nothing was changed.
   * @throws ChangeUncertainError if no answer came back: settling again does no harm.
   * @example
   * await deadLetters.settle({ id, outcome: 'delivered', by: 'anna' });
   */
  settle(options: SettleOptions): Promise<SettleResult>;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

const DEFAULT_LIMIT = 100;

/**
 * Opens the dead letters of an installation. Every method throws QueueUnavailableError if Redis does not answer.
 *
 * @param options settings that differ from the defaults; environment variables are not read.
 * @throws ConfigError for settings that can't work, or a file with encryption keys that can't be used.
 * @example
 * await using deadLetters = openDeadLetters({ redisUrl: process.env.REDIS_URL });
 * for (const entry of await deadLetters.list({ reason: 'rejected' })) console.log(entry.id, entry.response);
 */
export function openDeadLetters(options: DeadLetterOptions = {}): DeadLetters {
  const { config, session, newDeadline } = openSession('openDeadLetters', options);
  const { shards } = config;
  const search = createLetterSearch({ shards, session, newDeadline });
  const positions = createPositions({ shards, search });

  const nowMs = async (): Promise<number> =>
    await session.read(0, newDeadline(), ({ redis, root }) => readTimeMs(redis, root));

  const deps = { session, config, shards, search, newDeadline, nowMs };

  return {
    async list({ limit = DEFAULT_LIMIT, after, ...filter } = {}) {
      const position = after === undefined ? null : await positions.of(after);
      const letters: StoredLetter[] = [];
      if (limit <= 0) return [];
      for await (const batch of search.walk(searchFilterOf(filter), { order: 'newest', after: position })) {
        letters.push(...batch.slice(0, limit - letters.length));
        if (letters.length === limit) break;
      }
      const last = letters.at(-1);
      if (last) positions.note(last);
      return letters.map((letter) => entryOf(letter, config));
    },
    get: async (id) => await readDeadLetter(session, config, id, newDeadline()),
    count: async (filter = {}) => await search.count(searchFilterOf(filter)),
    counts: async () => addCounts(await session.readEach(newDeadline(), readCounts)),
    async *export(filter = {}) {
      for await (const batch of search.walk(searchFilterOf(filter), { order: 'oldest' })) {
        for (const letter of batch) yield entryOf(letter, config);
      }
    },
    async replay(selection) {
      inWordsOf(config.source, () => demandKeysIfRequired(config.sealing));
      return await replay(deps, selection);
    },
    discard: async (selection) => await discard(deps, selection),
    settle: async (settling) => await settle(deps, settling),
    close: () => session.close(),
    [Symbol.asyncDispose]: () => session.close(),
  };
}
