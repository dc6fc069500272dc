import type { LaneRedis } from './commands.ts';
import { absentKey } from './key-names.ts';

/** A command without its key: `['HSET', field, value]`. */
export type KeyCommand = readonly [name: string, ...args: (string | number)[]];

/** Carries out commands on one key in one step, also when Redis has no memory left. */
export async function changeKey(redis: LaneRedis, key: string, commands: readonly KeyCommand[]): Promise<void> {
  const root = key.slice(0, key.indexOf('}:') + 2);
  await redis.changeKey(key, absentKey({ root }), JSON.stringify(commands.map((command) => command.map(String))));
}
