import { type DeadLetterPayload, type DeadReason, parseDeadLetter } from '../../model/dead-letter.ts';
import { absentKey, DEAD_QUEUE, keyPart } from '../keys.ts';
import type { Shard } from '../shard.ts';

/** Where a dead letter stands among the others: by its time of death, then by its id. */
export interface LetterPosition {
  id: string;
  deadAtMs: number;
}

/** A dead letter as it stands in Redis. */
export interface StoredLetter extends LetterPosition {
  payload: DeadLetterPayload;
}

/** Which letters; all of the given conditions hold. */
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
  /** The last one that was seen; it may be gone. */
  after: LetterPosition | null;
  atMost: number;
}

export interface FoundLetters {
  letters: StoredLetter[];
  /** Where the search goes on; `null` if there are no more. */
  next: LetterPosition | null;
}

/** All dead letters of a shard by time of death: BullMQ's own list of failed jobs. */
export function lettersKey({ root }: Pick<Shard, 'root'>): string {
  return `${root}${DEAD_QUEUE}:failed`;
}

export function reasonKey({ root }: Pick<Shard, 'root'>, reason: DeadReason): string {
  return `${root}letters:reason:${reason}`;
}

/** @param page its name in keys */
export function pageKey({ root }: Pick<Shard, 'root'>, page: string): string {
  return `${root}letters:page:${page}`;
}

/** Pages by the number of their dead letters. */
export function pagesKey({ root }: Pick<Shard, 'root'>): string {
  return `${root}letters:pages`;
}

/** The job of a dead letter. */
export function letterKey({ root }: Pick<Shard, 'root'>, id: string): string {
  return `${root}${DEAD_QUEUE}:${id}`;
}

/**
 * Some dead letters from one index; call it again with `next` for more. It may find none and still not be through, and some
 * with another label may be among them.
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

/** The same, where only their number matters; it knows nothing of labels. */
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
    // As it stands in the JSON: most of those with other labels need not be sent here.
    label === undefined ? '' : `"label":${JSON.stringify(label)}`,
  );
  const [deadAt, id = '', ...values] = reply as string[];
  return [id === '' ? null : { id, deadAtMs: Number(deadAt) }, ...values];
}

/** Takes dead letters away for good, and ends the holds that they stand for. @returns for each whether it was there. */
export async function discardLetters(shard: Shard, ids: readonly string[]): Promise<boolean[]> {
  const answers = (await shard.redis.letterDiscard(
    lettersKey(shard),
    absentKey(shard),
    shard.root,
    ...ids,
  )) as number[];
  return answers.map((answer) => answer === 1);
}

/**
 * Takes away some dead letters that have been kept long enough, and takes out of the indexes some that others removed.
 *
 * @param cursor where the last call stopped looking for those; '0' for the beginning
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
