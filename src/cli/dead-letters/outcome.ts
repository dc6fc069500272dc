import type { DiscardResult, ReplayResult } from '../../dead-letters/index.ts';
import { type CommandContext, type ExitCode, exitCodes, jsonLine, line } from '../context/context.ts';
import { createProgressBar, type Progress } from '../terminal/progress-bar.ts';
import { table } from '../terminal/table.ts';

type Result = ReplayResult | DiscardResult;
type Why = Result['skipped'][number]['why'];

/** What happens to the entries, in words: `sent again`. */
export interface Deed {
  past: string;
  /** Changes nothing. */
  dryRun: boolean;
}

/** Skipped entries are told one by one up to this number, and then in sums: nobody reads more lines. */
const TOLD_SINGLY = 10;
const EXAMPLES = 3;

/** What the work tells while it runs. */
export interface Told {
  onProgress(progress: Progress & { matched: number }): void;
  /** A line for people, which the progress bar makes room for. */
  say(text: string): void;
}

/** Runs what changes many entries, with a progress bar. What was done is also told if it fails half way. */
export async function withProgress<R extends Result>(
  context: CommandContext,
  { past, dryRun }: Deed,
  work: (told: Told) => Promise<R>,
): Promise<R> {
  const bar = createProgressBar(context);
  let done = 0;
  try {
    return await work({
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
  } catch (error) {
    bar.clear();
    if (done > 0) line(context.stderr, `${describeDone(done, past)} before this happened:`);
    throw error;
  } finally {
    bar.clear();
  }
}

/** Prints the result. @returns what the shell learns */
export function tellOutcome(
  context: CommandContext,
  result: Result,
  { past, dryRun, json }: Deed & { json: boolean | undefined },
): ExitCode {
  const { matched, done, skipped } = result;
  if (json) jsonLine(context.stdout, result);
  else {
    line(
      context.stdout,
      table([
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
    const others = 'the others are as they were. The same command goes on with them.';
    line(context.stderr, `Interrupted: ${describeDone(done, past)}, ${others}`);
    return exitCodes.interrupted;
  }
  return skipped.length === 0 ? exitCodes.done : exitCodes.notFullyDone;
}

function describeDone(count: number, past: string): string {
  return `${count} ${count === 1 ? 'entry was' : 'entries were'} ${past}`;
}

/** A line for each, or for each reason if they are many. */
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

/** Said of one entry and of many. */
const hints = {
  'not found': 'no such dead letter',
  expired: 'too old to be sent unseen; --force does it all the same',
  undecodable: 'what was stored can not be read, so it can not be sent; "dead-letters show" says why',
  'replayed meanwhile': 'sent again by somebody else just now',
  'gone meanwhile': 'sent again or discarded by somebody else just now',
} as const satisfies Record<Why, string>;
