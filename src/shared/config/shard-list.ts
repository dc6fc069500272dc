/** The list of shards that means all of them. */
export const ALL_SHARDS = 'all';

export const SHARD_LIST_RULE = 'must be "all", or shard numbers and ranges, such as 0,2,5-7';

const PART = /^(\d{1,3})(?:-(\d{1,3}))?$/;

/**
 * Reads a list such as `0,2,5-7`.
 *
 * @returns the numbers in ascending order, each once; `null` if the text isn't such a list.
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

/** Returns the shards that a worker serves. */
export function servedShards({ shards, serveShards }: { shards: number; serveShards: string }): number[] {
  const listed = serveShards === ALL_SHARDS ? null : parseShardList(serveShards);
  return listed ?? Array.from({ length: shards }, (_, index) => index);
}
