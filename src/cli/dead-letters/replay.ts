import { type DeadLetters, openDeadLetters, type ReplayResult } from '../../dead-letters/index.ts';
import { type CommandContext, type ExitCode, line } from '../context/context.ts';
import { type ActorFlags, recorderOf } from '../context/actor.ts';
import { loadSite, tellIfUnused } from '../context/site.ts';
import { confirm } from '../terminal/confirm.ts';
import { tellOutcome, withProgress } from './outcome.ts';
import { seenSelection } from './seen.ts';
import { describeSelection, type SelectionFlags, selectionOf } from './selection.ts';

export interface ReplayFlags extends SelectionFlags, Pick<ActorFlags, 'by' | 'why'> {
  rate?: string;
  /** New texts, by their paths in the request. */
  set?: Readonly<Record<string, string>>;
  force?: boolean;
  dryRun?: boolean;
  json?: boolean;
}

/** `dead-letters replay`: sends entries again; on a terminal it asks before it sends what may have arrived. */
export async function replayDeadLetters(
  context: CommandContext,
  { rate, set, force = false, dryRun = false, json, by, why, ...flags }: ReplayFlags,
): Promise<ExitCode> {
  const config = loadSite(context);
  await using deadLetters = openDeadLetters(config);
  const asks = !force && !dryRun && context.typing && context.interactive;
  const confirmed = asks ? await confirmDoubtful(context, deadLetters, flags) : null;
  const action = set === undefined ? 'replay' : 'edit and replay';
  const record = recorderOf(context, config, { action, ...describeSelection(flags), by, reason: why });
  const deed = { past: 'sent again', dryRun, record };
  const result = await withProgress(
    context,
    deed,
    async ({ onProgress, say }) =>
      await deadLetters.replay({
        ...selectionOf(confirmed ?? flags),
        rate,
        set,
        force: force || confirmed !== null,
        dryRun,
        signal: context.interrupted,
        onProgress,
        // New ids are printed only for entries that were named: nobody reads thousands of ids.
        onReplayed: flags.id && ((old, newId) => say(`${old} is sent again as ${newId}`)),
      }),
  );
  if (result.matched === 0) await tellIfUnused(context, config);
  const exitCode = tellOutcome(context, result, { ...deed, json });
  if (dryRun) {
    const { doubtful } = countHeldBack(force ? await lookAt(context, deadLetters, flags) : result);
    if (doubtful > 0) line(context.stderr, `${doubtful} of these may have arrived already.`);
  }
  return exitCode;
}

/**
 * Asks whether to send what may have arrived, if there is any.
 *
 * @returns the selection that was confirmed; `null` if there was nothing to confirm, or the answer is no
 */
async function confirmDoubtful(
  context: CommandContext,
  deadLetters: DeadLetters,
  flags: SelectionFlags,
): Promise<SelectionFlags | null> {
  const seen = await seenSelection(deadLetters, flags);
  if (seen === null) return null;
  const looked = await lookAt(context, deadLetters, seen);
  const { doubtful, expired } = countHeldBack(looked);
  if (doubtful === 0) return null;
  const isConfirmed = await confirm(context, questionOf({ matched: looked.matched, doubtful, expired }));
  return isConfirmed ? seen : null;
}

async function lookAt(
  { interrupted }: CommandContext,
  deadLetters: DeadLetters,
  flags: SelectionFlags,
): Promise<ReplayResult> {
  return await deadLetters.replay({ ...selectionOf(flags), dryRun: true, signal: interrupted });
}

/** Counts the entries that are skipped without `force`. */
function countHeldBack({ skipped }: ReplayResult): { doubtful: number; expired: number } {
  const count = (wanted: string): number => skipped.filter(({ why }) => why === wanted).length;
  return { doubtful: count('may have arrived'), expired: count('expired') };
}

function questionOf({ matched, doubtful, expired }: { matched: number; doubtful: number; expired: number }): string {
  const also = expired === 0 ? '' : ` ${expired} more ${expired === 1 ? 'has' : 'have'} expired.`;
  const held = doubtful + expired;
  const these = held === 1 ? 'it' : `these ${held}`;
  return `${doubtful} of ${matched} dead ${matched === 1 ? 'letter' : 'letters'} may have arrived already, and would then arrive twice.${also} Send ${these} anyway?`;
}
