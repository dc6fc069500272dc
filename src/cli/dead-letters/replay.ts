import { openDeadLetters } from '../../dead-letters/index.ts';
import type { CommandContext, ExitCode } from '../context/context.ts';
import { type ActorFlags, recorderOf } from '../context/actor.ts';
import { loadSite, tellIfUnused } from '../context/site.ts';
import { tellOutcome, withProgress } from './outcome.ts';
import { describeSelection, type SelectionFlags, selectionOf } from './selection.ts';

export interface ReplayFlags extends SelectionFlags, Pick<ActorFlags, 'by' | 'why'> {
  rate?: string;
  /** New texts, by their paths in the request. */
  set?: Readonly<Record<string, string>>;
  force?: boolean;
  dryRun?: boolean;
  json?: boolean;
}

/** `dead-letters replay`: sends entries again. */
export async function replayDeadLetters(
  context: CommandContext,
  { rate, set, force = false, dryRun = false, json, by, why, ...flags }: ReplayFlags,
): Promise<ExitCode> {
  const config = loadSite(context);
  await using deadLetters = openDeadLetters(config);
  const action = set === undefined ? 'replay' : 'edit and replay';
  const record = recorderOf(context, config, { action, ...describeSelection(flags), by, reason: why });
  const deed = { past: 'sent again', dryRun, record };
  const result = await withProgress(
    context,
    deed,
    async ({ onProgress, say }) =>
      await deadLetters.replay({
        ...selectionOf(flags),
        rate,
        set,
        force,
        dryRun,
        signal: context.interrupted,
        onProgress,
        // New ids are printed only for entries that were named: nobody reads thousands of ids.
        onReplayed: flags.id && ((old, newId) => say(`${old} is sent again as ${newId}`)),
      }),
  );
  if (result.matched === 0) await tellIfUnused(context, config);
  return tellOutcome(context, result, { ...deed, json });
}
