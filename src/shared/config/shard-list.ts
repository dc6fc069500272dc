/** As a list of shards: all that there are. */
export const ALL_SHARDS = 'all';

export const SHARD_LIST_RULE = 'must be "all", or numbers of shards and ranges of them, such as 0,2,5-7';

const PART = /^(\d{1,3})(?:-(\d{1,3}))?$/;

/**
 * Reads a list such as `0,2,5-7`.
 *
 * @returns the numbers in their order, each once; `null` if it is no such list.
 */
export function parseShardList(text: string): number[] | null {
  const numbers = new Set<number>();
  for (const part of text.split(',')) {
    const [, first = '', last = first] = PART.exec(part.trim()) ?? [];
    if (first === '' || Number(last) < Number(first)) return null;
    for (let number = Number(first); number <= Number(last); number += 1) numbers.add(number);
  }
  return [...numbers].toSorted((one, other) => one - other);
}

/** The shards that a worker serves. */
export function servedShards({ shards, serveShards }: { shards: number; serveShards: string }): number[] {
  const listed = serveShards === ALL_SHARDS ? null : parseShardList(serveShards);
  return listed ?? Array.from({ length: shards }, (_, index) => index);
}
