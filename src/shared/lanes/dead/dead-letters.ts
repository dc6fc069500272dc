import { createHash } from 'node:crypto';
import { type DeadLetterPayload, type DeadReason, parseDeadLetter } from '../../model/dead-letter.ts';
import { absentKey, DEAD_QUEUE, keyPart } from '../key-names.ts';
import { readBounded } from '../read-bounded.ts';
import type { Shard } from '../shard.ts';

/** The position of a dead letter among the others: by time of death, then by id. */
export interface LetterPosition {
  id: string;
  deadAtMs: number;
}

/** A dead letter as Redis stores it. */
export interface StoredLetter extends LetterPosition {
  payload: DeadLetterPayload;
}

/** Selects the letters that meet all of the given conditions. */
export interface LetterFilter {
  reason?: DeadReason | undefined;
  pageId?: string | undefined;
  conversationId?: string | undefined;
  label?: string | undefined;
  /** Died at this moment or later, on Redis's clock. */
  sinceMs?: number | undefined;
  /** Died before this moment. */
  untilMs?: number | undefined;
}

export interface FindOptions {
  order: 'newest' | 'oldest';
  /** The last letter that was seen, which may be gone. */
  after: LetterPosition | null;
  atMost: number;
}

export interface FoundLetters {
  letters: StoredLetter[];
  /** Where the next call continues; `null` if there are no more letters. */
  next: LetterPosition | null;
}

/** All dead letters of a shard by time of death: BullMQ's own list of failed jobs. */
export function lettersKey({ root }: Pick<Shard, 'root'>): string {
  return `${root}${DEAD_QUEUE}:failed`;
}

export function reasonKey({ root }: Pick<Shard, 'root'>, reason: DeadReason): string {
  return `${root}letters:reason:${reason}`;
}

/** @param page the page's name in keys */
export function pageKey({ root }: Pick<Shard, 'root'>, page: string): string {
  return `${root}letters:page:${page}`;
}

/** Pages by the number of their dead letters. */
export function pagesKey({ root }: Pick<Shard, 'root'>): string {
  return `${root}letters:pages`;
}

/** The key of a dead letter's job. */
export function letterKey({ root }: Pick<Shard, 'root'>, id: string): string {
  return `${root}${DEAD_QUEUE}:${id}`;
}

/**
 * Reads some dead letters from one index; call it again with `next` for more. A call may find none although more follow, and the
 * result may include letters with other labels.
 */
export async function findLetters(
  shard: Shard,
  index: string,
  filter: LetterFilter,
  search: FindOptions,
): Promise<FoundLetters> {
  const [next, ...values] = await callFind(shard, index, filter, { ...search, withData: true });
  const letters: StoredLetter[] = [];
  for (let at = 0; at < values.length; at += 3) {
    const [id = '', deadAt, data = ''] = values.slice(at, at + 3);
    letters.push({ id, deadAtMs: Number(deadAt), payload: parseDeadLetter(data) });
  }
  return { letters, next };
}

/** Counts letters as `findLetters` finds them, without reading their data, so not by label. */
export async function countLetters(
  shard: Shard,
  index: string,
  filter: Omit<LetterFilter, 'label'>,
  search: FindOptions,
): Promise<{ count: number; next: LetterPosition | null }> {
  const [next, ...values] = await callFind(shard, index, filter, { ...search, withData: false });
  return { count: values.length / 3, next };
}

async function callFind(
  shard: Shard,
  index: string,
  { reason, pageId, conversationId, label, sinceMs, untilMs }: LetterFilter,
  { order, after, atMost, withData }: FindOptions & { withData: boolean },
): Promise<[next: LetterPosition | null, ...values: string[]]> {
  const reply = await shard.redis.letterFind(
    index,
    absentKey(shard),
    shard.root,
    order,
    sinceMs ?? '-inf',
    untilMs ?? '+inf',
    after?.deadAtMs ?? '',
    after?.id ?? '',
    reason ?? '',
    pageId === undefined ? '' : keyPart(pageId),
    conversationId === undefined ? '' : keyPart(conversationId),
    atMost,
    withData ? 1 : '',
    // The label as JSON has it: this spares the transfer of most letters with other labels.
    label === undefined ? '' : `"label":${JSON.stringify(label)}`,
  );
  const [deadAt, id = '', ...values] = reply as string[];
  return [id === '' ? null : { id, deadAtMs: Number(deadAt) }, ...values];
}

/** Removes dead letters and ends the holds they caused. @returns for each id whether its letter was there. */
export async function discardLetters(shard: Shard, ids: readonly string[]): Promise<boolean[]> {
  const answers = (await shard.redis.letterDiscard(
    lettersKey(shard),
    absentKey(shard),
    shard.root,
    ...ids,
  )) as number[];
  return answers.map((answer) => answer === 1);
}

/** Reads the data of one dead letter; `null` if there is none. */
export async function readLetterData(shard: Shard, id: string): Promise<string | null> {
  const [deadAt, data] = await readBounded<string>(shard, [
    ['zscore', lettersKey(shard), id],
    ['hget', letterKey(shard, id), 'data'],
  ]);
  return deadAt === null ? null : (data ?? null);
}

/** What an operator found out about a dead letter. */
export interface LetterFinding {
  id: string;
  /** The letter's data, on which the finding is based. */
  data: string;
  /** The message's lane, in case that others have taken the letter out of the indexes; '' if it is not known. */
  lane: string;
  by: string | null;
  label: string | null;
  /** The fields of the message's job if it arrived; the letter's new data if it did not. */
  end:
    | { outcome: 'delivered'; job: Readonly<Record<string, string | number>> }
    | { outcome: 'not-delivered'; data: string };
}

/**
 * Notes what an operator found out, in one step.
 *
 * @returns `gone` if the letter is not there, `changed` if its data is not what was read; then nothing was changed
 */
export async function settleLetter(
  shard: Shard,
  { id, data, lane, by, label, end }: LetterFinding,
): Promise<'done' | 'gone' | 'changed'> {
  const answer = await shard.redis.letterSettle(
    lettersKey(shard),
    absentKey(shard),
    shard.root,
    id,
    createHash('sha1').update(data).digest('hex'),
    lane,
    end.outcome,
    by ?? '',
    label ?? '',
    ...(end.outcome === 'delivered' ? Object.entries(end.job).flat() : [end.data]),
  );
  return answer as 'done' | 'gone' | 'changed';
}

/**
 * Removes some dead letters that have been kept long enough, and some index entries of letters that others removed.
 *
 * @param cursor where the last call stopped scanning the indexes; '0' for the beginning
 */
export async function expireLetters(
  shard: Shard,
  { keepDeadMs, atMost, cursor }: { keepDeadMs: number; atMost: number; cursor: string },
): Promise<{ removed: number; cursor: string }> {
  const keys = [lettersKey(shard), absentKey(shard)] as const;
  const reply = await shard.redis.letterExpire(...keys, shard.root, keepDeadMs, atMost, cursor);
  const [removed, next] = reply as [number, string];
  return { removed, cursor: next };
}
