import type { ReadCommand } from '../redis/pipeline.ts';
import { absentKey, SEND_QUEUE } from './key-names.ts';
import type { Shard } from './shard.ts';

/**
 * Runs commands that read from one shard, in one step. Others can write to Redis, too: a field that is longer than any of ours is '',
 * another such text `null`, also within lists, and so is what a key of another type holds. So no answer fills the memory of a process.
 *
 * @param commands with names in small letters
 * @returns the answers in the order of the commands
 */
export async function readBounded<Reply>(shard: Shard, commands: readonly ReadCommand[]): Promise<(Reply | null)[]> {
  if (commands.length === 0) return [];
  const { redis, root } = shard;
  const asked = JSON.stringify(commands.map((command) => command.map(String)));
  // A key that each user may use in a script, whatever is read.
  const key = `${root}${SEND_QUEUE}:waiting-children`;
  return (await redis.readBounded(key, absentKey(shard), asked)) as (Reply | null)[];
}

/** Reads names from one set or list, and leaves out those that are longer than any of ours. */
export async function readNames(shard: Shard, command: ReadCommand): Promise<string[]> {
  const [names] = await readBounded<(string | null)[]>(shard, [command]);
  return ours(names ?? []);
}

/** Reads one name; `null` if there is none, or if it is longer than any of ours. */
export async function readName(shard: Shard, command: ReadCommand): Promise<string | null> {
  const [name = null] = await readBounded<string>(shard, [command]);
  return name;
}

/** Reads some names of a set, in no order. @param count about how many */
export async function scanNames(shard: Shard, key: string, count: number): Promise<string[]> {
  const [scanned] = await readBounded<[cursor: string, names: (string | null)[]]>(shard, [
    ['sscan', key, 0, 'COUNT', count],
  ]);
  return ours(scanned?.[1] ?? []);
}

function ours(names: readonly (string | null)[]): string[] {
  return names.filter((name) => name !== null);
}

/** Reads fields of one job. */
export async function readFields<Field extends string>(
  shard: Shard,
  key: string,
  fields: readonly Field[],
): Promise<Record<Field, string | null>> {
  const [values] = await readBounded<(string | null)[]>(shard, [['hmget', key, ...fields]]);
  return Object.fromEntries(fields.map((name, index) => [name, values?.[index] ?? null])) as Record<
    Field,
    string | null
  >;
}
