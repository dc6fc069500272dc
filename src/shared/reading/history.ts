import type { Deadline } from '../redis/deadline.ts';
import { within } from '../redis/deadline.ts';
import { ConfigError, LedgerUnavailableError } from '../errors/errors.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { laneOf } from '../lanes/key-names.ts';
import { type HistoryPlace, type HistoryStart, isBefore, mergeHistory, type MergedPlace } from './history-order.ts';
import { askPage, type PlacesDeps, readPlaces } from './history-places.ts';
import { type LedgerEntry, ledgerHistory, recordOfEntry } from './ledger-history.ts';
import { type MessageRecord, readWithRequests } from './message.ts';

/** Which part of a conversation's history is read. */
export interface HistoryQuestion {
  pageId: string;
  conversationId: string;
  /** Only messages that were stored before this one, or before this time. */
  before?: HistoryStart | undefined;
  /** The most messages. */
  limit: number;
}

export interface HistoryDeps extends Omit<PlacesDeps, 'partial'> {
  /** Where messages are known that Redis has forgotten. */
  ledger: Pick<Ledger, 'read'> | null;
  /** The deadline for one query of the ledger; by default the same as for Redis. */
  newLedgerDeadline?(): Deadline;
  /** For callers that would rather show a part than nothing, or than wait. */
  partial?: NonNullable<PlacesDeps['partial']> & {
    /** Called if the ledger can't be read; then only messages that Redis knows follow. */
    onLedgerFailure(error: LedgerUnavailableError): void;
  };
}

/** The messages that are read at once. */
const LOADED_AT_ONCE = 50;

/**
 * Reads the messages of a conversation, the newest first: the open ones, dead letters, what a shard remembers of delivered and cancelled
 * ones, and what a ledger has.
 *
 * @throws QueueUnavailableError, LedgerUnavailableError
 */
export async function* readHistory(deps: HistoryDeps, question: HistoryQuestion): AsyncGenerator<MessageRecord> {
  const { before, limit } = question;
  const isWanted = (place: HistoryPlace): boolean => before === undefined || isBefore(place, before);
  const places = await readPlaces(deps, question);
  const known = places.filter(isWanted);
  const unwanted = new Set(places.filter((place) => !isWanted(place)).map(({ id }) => id));
  const fromLedger = ledgerEntries(deps, question, (entry) => isWanted(entry) && !unwanted.has(entry.id));

  let left = limit;
  let batch: MergedPlace<LedgerEntry>[] = [];
  for await (const place of mergeHistory(known, fromLedger)) {
    batch.push(place);
    if (batch.length < Math.min(left, LOADED_AT_ONCE)) continue;
    const records = await load(deps, question, batch);
    yield* records;
    left -= records.length;
    if (left <= 0) return;
    batch = [];
  }
  yield* await load(deps, question, batch);
}

async function* ledgerEntries(
  deps: HistoryDeps,
  { pageId, conversationId }: HistoryQuestion,
  isWanted: (place: HistoryPlace) => boolean,
): AsyncGenerator<LedgerEntry> {
  const { ledger, partial, newLedgerDeadline = deps.newDeadline } = deps;
  if (ledger === null) return;
  try {
    const entries = ledgerHistory((part) =>
      within(newLedgerDeadline(), ledger.read({ pageId, conversationId, ...part })),
    );
    for await (const entry of entries) {
      if (isWanted(entry)) yield entry;
    }
  } catch (cause) {
    const error =
      cause instanceof LedgerUnavailableError ? cause : new LedgerUnavailableError(wordsOf(cause), { cause });
    if (partial === undefined) throw error;
    partial.onLedgerFailure(error);
  }
}

function wordsOf(cause: unknown): string {
  return cause instanceof ConfigError ? cause.problems.join('; ') : 'it did not answer in time';
}

/** Reads the records of some messages; those that nobody knows any more are missing. */
async function load(
  deps: HistoryDeps,
  question: HistoryQuestion,
  batch: readonly MergedPlace<LedgerEntry>[],
): Promise<MessageRecord[]> {
  const known = batch.filter(({ isKnown }) => isKnown).map(({ place }) => place.id);
  const lane = laneOf(question.pageId, question.conversationId);
  const records =
    known.length === 0
      ? []
      : await askPage(deps, question.pageId, (shard) => readWithRequests(shard, deps.config, lane, known));
  const byId = new Map(records.map((record, n) => [known[n], record]));
  return batch.flatMap(({ place, entry }) => {
    const record = byId.get(place.id) ?? (entry === undefined ? null : recordOfEntry(entry, deps.config));
    return record ?? [];
  });
}
