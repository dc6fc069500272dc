import { changeKey } from './change-key.ts';
import { DEAD_QUEUE, SEND_QUEUE } from './key-names.ts';
import { readBounded } from './read-bounded.ts';
import type { Shard } from './shard.ts';

/** BullMQ's settings of a queue that somebody has changed. Our workers take no notice of them. */
export interface ForeignSettings {
  shard: number;
  queue: 'send' | 'dead';
  /** Names of BullMQ's fields, and `limiter`; `meta` if another type of key is in the place of them all. */
  settings: string[];
}

const FIELDS = ['paused', 'max', 'duration', 'concurrency'] as const;
const QUEUES = [SEND_QUEUE, DEAD_QUEUE] as const;

/** Reads which settings of BullMQ somebody has changed in a shard. */
export async function readForeignSettings(shard: Shard): Promise<ForeignSettings[]> {
  const answers = await readBounded<number | (string | null)[]>(
    shard,
    QUEUES.flatMap((queue) => [
      ['hlen', metaKey(shard, queue)],
      ['hmget', metaKey(shard, queue), ...FIELDS],
      ['exists', limiterKey(shard, queue)],
    ]),
  );
  return QUEUES.flatMap((queue, index) => {
    const [length, values, limiters] = answers.slice(3 * index, 3 * index + 3);
    const settings = [
      ...(length === null ? ['meta'] : []),
      ...FIELDS.filter((_field, at) => Array.isArray(values) && values[at] !== null),
      ...(limiters === 1 ? ['limiter'] : []),
    ];
    return settings.length === 0 ? [] : [{ shard: shard.index, queue, settings }];
  });
}

/** Removes the settings that somebody has changed in a shard. @returns those that were there */
export async function removeForeignSettings(shard: Shard): Promise<ForeignSettings[]> {
  const found = await readForeignSettings(shard);
  for (const { queue, settings } of found) {
    const isWhole = settings.includes('meta');
    await changeKey(shard.redis, metaKey(shard, queue), [isWhole ? ['DEL'] : ['HDEL', ...FIELDS]]);
    await changeKey(shard.redis, limiterKey(shard, queue), [['DEL']]);
  }
  return found;
}

/** Names changed settings in one line: `paused, max of the queue send of shard 0`. */
export function nameForeignSettings(found: readonly ForeignSettings[]): string {
  return found
    .slice(0, NAMED)
    .map(({ shard, queue, settings }) => `${settings.join(', ')} of the queue ${queue} of shard ${shard}`)
    .join('; ')
    .concat(found.length > NAMED ? '; …' : '');
}

const NAMED = 4;

function metaKey({ root }: Shard, queue: string): string {
  return `${root}${queue}:meta`;
}

function limiterKey({ root }: Shard, queue: string): string {
  return `${root}${queue}:limiter`;
}
