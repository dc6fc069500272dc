import type { DeadLetters } from '../../dead-letters/index.ts';
import { filterOfFlags, type SelectionFlags } from './selection.ts';

/**
 * Returns the selection without entries that die from now on, since nobody has seen those when they confirm it.
 *
 * @returns `null` if a filter matches nothing
 */
export async function seenSelection(deadLetters: DeadLetters, flags: SelectionFlags): Promise<SelectionFlags | null> {
  if (flags.id !== undefined) return flags;
  const [newest] = await deadLetters.list({ ...filterOfFlags(flags), limit: 1 });
  if (newest === undefined) return null;
  const { all: _all, ...others } = flags;
  return { ...others, until: new Date(Date.parse(newest.deadAt) + 1) };
}
