import { type DeadLetterFilter, type DeadLetters, openDeadLetters } from '../../dead-letters/index.ts';
import { describeSite } from '../../shared/config/site.ts';
import { type DeadReason, deadReasons } from '../../shared/model/dead-letter.ts';
import { type CommandContext, type ExitCode, exitCodes, line } from '../context/context.ts';
import { type ActorFlags, recorderOf } from '../context/actor.ts';
import { loadSite, tellIfUnused } from '../context/site.ts';
import { confirm } from '../terminal/confirm.ts';
import { tellOutcome, withProgress } from './outcome.ts';
import { describeReasons } from './reasons.ts';
import { seenSelection } from './seen.ts';
import { describeSelection, filterOfFlags, type SelectionFlags, selectionOf } from './selection.ts';

export interface DiscardFlags extends SelectionFlags, Pick<ActorFlags, 'by' | 'why'> {
  yes?: boolean;
  dryRun?: boolean;
  json?: boolean;
}

/** The number of entries that are looked up at once before the question. */
const AT_ONCE = 50;

/** `dead-letters discard`: removes entries permanently, after a confirmation. */
export async function discardDeadLetters(
  context: CommandContext,
  { yes = false, dryRun = false, json, by, why, ...flags }: DiscardFlags,
): Promise<ExitCode> {
  const canAsk = context.typing && context.interactive;
  if (!yes && !dryRun && !canAsk) {
    line(
      context.stderr,
      'error: no terminal to confirm on: give --yes to discard without a confirmation, or --dry-run',
    );
    return exitCodes.usage;
  }
  const config = loadSite(context);
  await using deadLetters = openDeadLetters(config);
  const asks = !yes && !dryRun;
  const seen = asks ? await lookAt(deadLetters, flags) : { flags, counts: {} };
  if (asks && totalOf(seen.counts) > 0 && !(await confirm(context, questionOf(seen.counts, describeSite(config))))) {
    line(context.stderr, 'Nothing was discarded.');
    return context.interrupted.aborted ? exitCodes.interrupted : exitCodes.notFullyDone;
  }
  const record = recorderOf(context, config, { action: 'discard', ...describeSelection(flags), by, reason: why });
  const deed = { past: 'discarded', dryRun, record };
  const result = await withProgress(
    context,
    deed,
    async ({ onProgress }) =>
      await deadLetters.discard({ ...selectionOf(seen.flags), dryRun, signal: context.interrupted, onProgress }),
  );
  if (result.matched === 0) await tellIfUnused(context, config);
  return tellOutcome(context, result, { ...deed, json });
}

type Counts = Partial<Record<DeadReason, number>>;

interface Seen {
  /** The selection without entries that die after the question, since nobody confirmed those. */
  flags: SelectionFlags;
  counts: Counts;
}

async function lookAt(deadLetters: DeadLetters, flags: SelectionFlags): Promise<Seen> {
  if (flags.id !== undefined) return { flags, counts: await countIds(deadLetters, new Set(flags.id)) };
  const bounded = await seenSelection(deadLetters, flags);
  if (bounded === null) return { flags, counts: {} };
  return { flags: bounded, counts: await countByReason(deadLetters, filterOfFlags(bounded)) };
}

async function countByReason(deadLetters: DeadLetters, filter: DeadLetterFilter): Promise<Counts> {
  const reasons = filter.reason === undefined ? deadReasons : [filter.reason];
  const counts = await Promise.all(
    reasons.map(async (reason) => [reason, await deadLetters.count({ ...filter, reason })] as const),
  );
  return Object.fromEntries(counts);
}

async function countIds(deadLetters: DeadLetters, ids: ReadonlySet<string>): Promise<Counts> {
  const counts: Counts = {};
  const waiting = [...ids];
  while (waiting.length > 0) {
    const records = await Promise.all(waiting.splice(0, AT_ONCE).map((id) => deadLetters.get(id)));
    for (const { reason } of records.flatMap((record) => record ?? [])) counts[reason] = (counts[reason] ?? 0) + 1;
  }
  return counts;
}

function totalOf(counts: Counts): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}

function questionOf(counts: Counts, site: string): string {
  const total = totalOf(counts);
  const [letters, they] = total === 1 ? ['letter', 'It'] : ['letters', 'They'];
  return `Discard ${total} dead ${letters} (${describeReasons(counts)}) of ${site}? ${they} can't be sent again.`;
}
