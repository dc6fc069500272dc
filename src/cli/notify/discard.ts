import { recorded } from '../../shared/actions/audit.ts';
import { describeSite } from '../../shared/config/site.ts';
import { type ActorFlags, recorderOf } from '../context/actor.ts';
import { type CommandContext, type ExitCode, exitCodes, jsonLine, line } from '../context/context.ts';
import { loadSite, tellIfUnused } from '../context/site.ts';
import { confirm } from '../terminal/confirm.ts';
import { textTable } from '../terminal/table.ts';
import { type ChosenFlags, chosenOf, describeChoice } from './chosen.ts';
import { withDeadWebhooks } from './with-dead-webhooks.ts';

export interface DiscardWebhooksFlags extends ChosenFlags, Pick<ActorFlags, 'by' | 'why'> {
  group: string;
  yes?: boolean;
  json?: boolean;
}

/** `webhooks discard`: removes events permanently, after a confirmation. */
export async function discardWebhooks(context: CommandContext, flags: DiscardWebhooksFlags): Promise<ExitCode> {
  const { group, yes = false, json, by, why: reason } = flags;
  if (!yes && !(context.typing && context.interactive)) {
    line(context.stderr, 'error: no terminal to confirm on: give --yes to discard without a confirmation');
    return exitCodes.usage;
  }
  const config = loadSite(context);
  return await withDeadWebhooks(config, group, async (dead) => {
    const { chosen, missing } = chosenOf(await dead.list(), flags);
    const count = chosen.length;
    const question = `Discard ${count} ${count === 1 ? 'event' : 'events'} of the group ${group} of ${describeSite(config)}? The receiver never gets them.`;
    if (!yes && count > 0 && !(await confirm(context, question))) {
      line(context.stderr, 'Nothing was discarded.');
      return context.interrupted.aborted ? exitCodes.interrupted : exitCodes.notFullyDone;
    }
    const matched = count + missing.length;
    const remove = async (): Promise<number> => await dead.remove(chosen.map(({ event }) => event.id));
    const record = recorderOf(context, config, {
      action: 'discard webhooks',
      ...describeChoice(flags, group),
      by,
      reason,
    });
    const done =
      count === 0 ? 0 : await recorded(record, remove, (removed) => ({ matched, done: removed, result: 'done' }));
    if (json) jsonLine(context.stdout, { matched, done });
    else {
      line(
        context.stdout,
        textTable([
          ['matched', 'done'],
          [matched, done],
        ]),
      );
    }
    for (const id of missing) line(context.stderr, `${id}: no such event`);
    if (matched === 0) await tellIfUnused(context, config);
    return done === matched ? exitCodes.done : exitCodes.notFullyDone;
  });
}
