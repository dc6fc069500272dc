import type { DeadWebhook } from '../../notify/index.ts';
import type { AuditedAction } from '../../shared/actions/audit.ts';

/** Events that were chosen in exactly one of two ways. */
export interface ChosenFlags {
  id?: string[];
  all?: true;
}

/** The chosen entries, and the ids for which there is none. */
export function chosenOf(
  entries: readonly DeadWebhook[],
  { id }: ChosenFlags,
): { chosen: readonly DeadWebhook[]; missing: string[] } {
  if (id === undefined) return { chosen: entries, missing: [] };
  const ids = new Set(id);
  const chosen = entries.filter(({ event }) => ids.has(event.id));
  for (const { event } of chosen) ids.delete(event.id);
  return { chosen, missing: [...ids] };
}

/** What was chosen, for the record of actions. */
export function describeChoice({ id }: ChosenFlags, group: string): Pick<AuditedAction, 'ids' | 'selection'> {
  const selection = `webhooks of the group ${group}`;
  return id === undefined ? { selection: `${selection}, all` } : { ids: id, selection };
}
