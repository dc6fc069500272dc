import { type Command, Option } from 'commander';
import type { DeadLetterFilter, DeadLetterSelection } from '../../dead-letters/index.ts';
import { type DeadReason, deadReasons } from '../../shared/model/dead-letter.ts';
import { opaqueId, time } from '../context/arguments.ts';

/** The flags that narrow the dead letters down; all that are given must hold. */
export interface FilterFlags {
  reason?: DeadReason;
  page?: string;
  conversation?: string;
  label?: string;
  since?: Date;
  until?: Date;
}

/** Which dead letters: exactly one of the three ways. */
export interface SelectionFlags extends FilterFlags {
  id?: string[];
  all?: true;
}

export function addFilter(command: Command): Command {
  return command
    .addOption(new Option('--reason <reason>', 'why they died').choices([...deadReasons]))
    .option('--page <id>', 'of this page', opaqueId)
    .option('--conversation <id>', 'of this conversation', opaqueId)
    .option('--label <label>', 'with this label', opaqueId)
    .option('--since <time>', 'died at this time or later, such as 2026-11-22T10:00:00Z', time)
    .option('--until <time>', 'died before this time', time);
}

/** Adds the three ways to choose, and the check that exactly one of them is taken. */
export function addSelection(command: Command): Command {
  return addFilter(command.option('--id <ID...>', 'these entries').option('--all', 'every entry')).hook(
    'preAction',
    () => {
      const { id, all, ...others } = command.opts<SelectionFlags>();
      const ways = [
        ...(id === undefined ? [] : ['--id']),
        ...(isNarrow(filterOf(others)) ? ['a filter'] : []),
        ...(all === undefined ? [] : ['--all']),
      ];
      if (ways.length === 0) {
        command.error('error: name which: --id ID…, filters such as --reason rejected --page p1, or --all');
      }
      if (ways.length > 1) command.error(`error: give ${ways.join(' or ')}, not both`);
    },
  );
}

export function filterOf({ reason, page, conversation, label, since, until }: FilterFlags): DeadLetterFilter {
  return { reason, pageId: page, conversationId: conversation, label, since, until };
}

/** Whether it leaves anything out. */
export function isNarrow(filter: DeadLetterFilter): boolean {
  return Object.values(filter).some((condition) => condition !== undefined);
}

export function selectionOf({ id, all, ...flags }: SelectionFlags): DeadLetterSelection {
  if (id !== undefined) return { ids: id };
  return all ? { all } : { filter: filterOf(flags) };
}
