import { type CommandContext, type ExitCode, exitCodes, jsonLine, type JsonOption, line } from '../context/context.ts';

/** Prints a record, or a message that it is missing. */
export function showRecord<Found>(
  { stdout, stderr }: CommandContext,
  record: Found | null,
  { json, describe, missing }: JsonOption & { describe: (record: Found) => string; missing: string },
): ExitCode {
  if (record === null) {
    line(stderr, missing);
    return exitCodes.notFullyDone;
  }
  if (json) jsonLine(stdout, record);
  else line(stdout, describe(record));
  return exitCodes.done;
}
