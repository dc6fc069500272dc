import { type Command, Option } from 'commander';
import type { DeadLetterFilter, DeadLetterSelection } from '../../dead-letters/index.ts';
import { type DeadReason, deadReasons } from '../../shared/model/dead-letter.ts';
import type { AuditedAction } from '../../shared/actions/audit.ts';
import { opaqueId, timeFlag } from '../context/arguments.ts';

/** Filters of dead letters; an entry must match all that are given. */
export interface FilterFlags {
  reason?: DeadReason;
  page?: string;
  conversation?: string;
  label?: string;
  since?: Date;
  until?: Date;
}

/** A selection of dead letters in exactly one of three ways: ids, filters, or all. */
export interface SelectionFlags extends FilterFlags {
  id?: string[];
  all?: true;
}

export function addFilter(command: Command): Command {
  return command
    .addOption(new Option('--reason <reason>', 'entries that died for this reason').choices([...deadReasons]))
    .option('--page <id>', 'entries of this page', opaqueId)
    .option('--conversation <id>', 'entries of this conversation', opaqueId)
    .option('--label <label>', 'entries with this label', opaqueId)
    .option('--since <time>', 'entries that died at this time or later, such as 2026-11-22T10:00:00Z', timeFlag)
    .option('--until <time>', 'entries that died before this time', timeFlag);
}

/** Adds the three ways to select entries, and checks that exactly one is used. */
export function addSelection(command: Command): Command {
  return addFilter(command.option('--id <ID...>', 'the entries with these ids').option('--all', 'all entries')).hook(
    'preAction',
    () => {
      const { id, all, ...others } = command.opts<SelectionFlags>();
      const ways = [
        ...(id === undefined ? [] : ['--id']),
        ...(isNarrow(filterOfFlags(others)) ? ['a filter'] : []),
        ...(all === undefined ? [] : ['--all']),
      ];
      if (ways.length === 0) {
        command.error(
          'error: select entries with --id ID…, with filters such as --reason rejected --page p1, or with --all',
        );
      }
      if (ways.length > 1) command.error(`error: give ${ways.join(' or ')}, not both`);
    },
  );
}

export function filterOfFlags({ reason, page, conversation, label, since, until }: FilterFlags): DeadLetterFilter {
  return { reason, pageId: page, conversationId: conversation, label, since, until };
}

/** Whether the filter has any condition. */
export function isNarrow(filter: DeadLetterFilter): boolean {
  return Object.values(filter).some((condition) => condition !== undefined);
}

/** What is selected, for the record of actions. */
export function describeSelection({
  id,
  all,
  ...filter
}: SelectionFlags): Pick<AuditedAction, 'page' | 'conversation' | 'ids' | 'selection'> {
  if (id !== undefined) return { ids: id };
  const { page, conversation, ...others } = filter;
  const words = Object.entries(others).map(
    ([name, value]) => `${name} ${value instanceof Date ? value.toISOString() : value}`,
  );
  return { page, conversation, selection: ['dead letters', ...(all ? ['all'] : words)].join(', ') };
}

export function selectionOf({ id, all, ...flags }: SelectionFlags): DeadLetterSelection {
  if (id !== undefined) return { ids: id };
  return all ? { all } : { filter: filterOfFlags(flags) };
}
