import fc from 'fast-check';
import { releaseDue } from '../../../src/shared/lanes/due.ts';
import { command } from './command.ts';
import { count, type Model } from './model.ts';
import type { World } from './world.ts';

/** What a worker does every moment: scheduled messages whose time has come join their conversations. */
export const dueCommand = fc.constant(
  command({ name: 'releaseDue()', act: async (model, world) => await releaseAllDue(model, world) }),
);

export async function releaseAllDue(model: Model, world: World): Promise<string[]> {
  const isMore = await releaseDue(world.shard);
  if (isMore) throw new Error('there are more due than were ever stored');
  const pages = new Set<string>();
  const due = [...model.messages.values()]
    .filter(({ end, dueAt }) => end === null && dueAt !== null && dueAt <= model.now)
    .toSorted((one, other) => (one.dueAt ?? 0) - (other.dueAt ?? 0) || (one.id < other.id ? -1 : 1));
  for (const message of due) {
    const lane = model.lanes.get(message.lane) ?? [];
    if (lane.length === 0) pages.add(message.page);
    model.lanes.set(message.lane, [...lane, message]);
    message.dueAt = null;
    count(model, 'due');
  }
  return [...pages];
}
