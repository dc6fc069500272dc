import type { DiscardResult, ReplayResult, SettleResult } from '../../dead-letters/index.ts';
import { isUncertain, type Recorder } from '../../shared/actions/audit.ts';
import { type CommandContext, type ExitCode, exitCodes, jsonLine, line } from '../context/context.ts';
import { createProgressBar, type ShownProgress } from '../terminal/progress-bar.ts';
import { textTable } from '../terminal/table.ts';

type Result = ReplayResult | DiscardResult | SettleResult;
type Why = Result['skipped'][number]['why'];

/** What a command does to the entries. */
export interface Deed {
  /** The past participle for messages, such as `sent again`. */
  past: string;
  /** Whether nothing is changed. */
  dryRun: boolean;
  /** Records what was done; not called in a dry run. */
  record: Recorder;
}

/** Up to this number, skipped entries are listed one by one; more are summed up by reason. */
const TOLD_SINGLY = 10;
const EXAMPLES = 3;

/** What the work reports while it runs. */
export interface Told {
  onProgress(progress: ShownProgress & { matched: number }): void;
  /** Prints a line for people in place of the progress bar. */
  say(text: string): void;
}

/** Runs a change of many entries with a progress bar. If it fails midway, prints how many entries were done. */
export async function withProgress<R extends Result>(
  context: CommandContext,
  { past, dryRun, record }: Deed,
  work: (told: Told) => Promise<R>,
): Promise<R> {
  const bar = createProgressBar(context);
  let done = 0;
  try {
    const result = await work({
      onProgress(progress) {
        done = progress.done;
        const { matched, skipped } = progress;
        bar.show(dryRun ? { ...progress, done: Math.max(0, matched - skipped) } : progress);
      },
      say(text) {
        bar.clear();
        line(context.stderr, text);
      },
    });
    bar.clear();
    const { matched } = result;
    const ended = context.interrupted.aborted ? 'stopped' : 'done';
    if (!dryRun) await record({ matched, done: result.done, result: ended });
    return result;
  } catch (error) {
    bar.clear();
    const mayHaveChanged = !dryRun && (done > 0 || isUncertain(error));
    if (mayHaveChanged) await record({ done, result: isUncertain(error) ? 'uncertain' : 'failed' });
    if (done > 0) line(context.stderr, `${describeDone(done, past)} before this error:`);
    throw error;
  } finally {
    bar.clear();
  }
}

/** Prints the result. @returns the exit code */
export function tellOutcome(
  context: CommandContext,
  result: Result,
  { past, dryRun, json }: Omit<Deed, 'record'> & { json: boolean | undefined },
): ExitCode {
  const { matched, done, skipped } = result;
  if (json) jsonLine(context.stdout, result);
  else {
    line(
      context.stdout,
      textTable([
        ['matched', 'done', 'skipped'],
        [matched, done, skipped.length],
      ]),
    );
  }
  for (const text of describeSkipped(skipped)) line(context.stderr, text);
  if (dryRun) {
    const possible = matched - skipped.filter(({ why }) => why !== 'not found').length;
    line(context.stderr, `Nothing was changed: ${possible} of ${matched} would be ${past}.`);
  }
  if (context.interrupted.aborted) {
    const others = 'the others are unchanged. Run the same command again to continue.';
    line(context.stderr, `Interrupted: ${describeDone(done, past)}, ${others}`);
    return exitCodes.interrupted;
  }
  return skipped.length === 0 ? exitCodes.done : exitCodes.notFullyDone;
}

function describeDone(count: number, past: string): string {
  return `${count} ${count === 1 ? 'entry was' : 'entries were'} ${past}`;
}

/** One line per entry, or per reason if there are many entries. */
export function describeSkipped(skipped: Result['skipped']): string[] {
  if (skipped.length <= TOLD_SINGLY) return skipped.map(({ id, why }) => `${id}: ${hints[why]}`);
  const byReason = new Map<Why, string[]>();
  for (const { id, why } of skipped) {
    const ids = byReason.get(why);
    if (ids) ids.push(id);
    else byReason.set(why, [id]);
  }
  return [...byReason].map(([why, ids]) => {
    if (ids.length === 1) return `${ids.join('')}: ${hints[why]}`;
    const more = ids.length > EXAMPLES ? ', …' : '';
    return `${ids.length} entries (${ids.slice(0, EXAMPLES).join(', ')}${more}): ${hints[why]}`;
  });
}

/** Worded to fit one entry and many. */
const hints = {
  'not found': 'no such dead letter',
  expired: 'too old to be sent; use --force to send anyway',
  'may have arrived': 'may have arrived already; find out and use "dead-letters settle", or use --force to send anyway',
  undecodable: 'the stored message can not be read, so it can not be sent; "dead-letters show" says why',
  'replayed meanwhile': 'just sent again by another process',
  'gone meanwhile': 'just sent again, discarded or settled by another process',
  'outcome known': 'there is nothing to find out: the message was never sent, or the API refused it',
  'settled already': 'what became of it was noted before; nothing was changed',
} as const satisfies Record<Why, string>;
