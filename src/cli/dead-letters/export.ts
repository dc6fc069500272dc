import { once } from 'node:events';
import { type DeadLetterFilter, type DeadLetters, openDeadLetters } from '../../dead-letters/index.ts';
import { asJsonLine, type CommandContext, type ExitCode, exitCodes, line, READER_GONE } from '../context/context.ts';
import { loadSite, tellIfUnused } from '../context/site.ts';
import { createOutputFile } from '../terminal/output-file.ts';
import { createProgressBar } from '../terminal/progress-bar.ts';
import { type FilterFlags, filterOfFlags } from './selection.ts';

export interface ExportFlags extends FilterFlags {
  out?: string;
  force?: boolean;
}

/** `dead-letters export`: the entries that match as NDJSON, oldest first, to stdout or into a file. */
export async function exportDeadLetters(
  context: CommandContext,
  { out, force = false, ...flags }: ExportFlags,
): Promise<ExitCode> {
  const config = loadSite(context);
  await using deadLetters = openDeadLetters(config);
  const source = { deadLetters, filter: filterOfFlags(flags) };
  const isFile = out !== undefined && out !== '-';
  const { count, closed } = isFile
    ? await exportToFile(context, source, { path: out, replace: force })
    : await exportTo(context, source, (text) => written(context, text));
  const entries = `${count} ${count === 1 ? 'entry' : 'entries'}`;
  if (context.interrupted.aborted) {
    // A reader that has seen enough, such as `head`, needs no message.
    if (context.interrupted.reason === READER_GONE) return exitCodes.interrupted;
    line(context.stderr, `Interrupted after ${entries}${isFile ? `: ${out} is not written` : ''}.`);
    return exitCodes.interrupted;
  }
  line(context.stderr, `exported ${entries}${isFile ? ` to ${out}` : ''}`);
  if (count === 0) await tellIfUnused(context, config);
  // A warning, since discarding these entries next would lose their messages.
  if (closed > 0) {
    line(context.stderr, `${closed} of them without the message, which can't be read: see the field "problem"`);
  }
  return exitCodes.done;
}

interface Source {
  deadLetters: DeadLetters;
  filter: DeadLetterFilter;
}

interface Exported {
  count: number;
  /** Entries without a message, since it can't be read. */
  closed: number;
}

async function exportToFile(
  context: CommandContext,
  source: Source,
  { path, replace }: { path: string; replace: boolean },
): Promise<Exported> {
  await using file = await createOutputFile(path, { replace });
  const exported = await exportTo(context, source, (text) => file.write(text));
  if (!context.interrupted.aborted) await file.finish();
  return exported;
}

async function exportTo(
  context: CommandContext,
  { deadLetters, filter }: Source,
  write: (text: string) => Promise<void>,
): Promise<Exported> {
  // Lines on the screen already show the progress.
  const bar = createProgressBar({ ...context, interactive: context.interactive && !context.onScreen });
  let count = 0;
  let closed = 0;
  try {
    for await (const entry of deadLetters.export(filter)) {
      if (context.interrupted.aborted) break;
      await write(asJsonLine(entry));
      count += 1;
      if (entry.message === null) closed += 1;
      bar.show({ done: count, skipped: 0, total: null });
    }
    return { count, closed };
  } catch (error) {
    bar.clear();
    if (count > 0) line(context.stderr, `${count} entries were read before this error:`);
    throw error;
  } finally {
    bar.clear();
  }
}

/** Writes, and waits while the stream's buffer is full, so that it never grows. */
async function written({ stdout, interrupted }: CommandContext, text: string): Promise<void> {
  if (stdout.write(text)) return;
  // A reader that went away also aborts `interrupted`.
  await once(stdout, 'drain', { signal: interrupted }).catch(() => {});
}
