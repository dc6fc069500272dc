import { InvalidArgumentError, Option } from 'commander';
import { formatRateLimit, NO_LIMIT, parseRateLimit, RATE_LIMIT_RULE } from '../shared/rate-limit.ts';
import { opaqueText } from '../shared/value-rules.ts';
import type { CommandContext, ExitCode } from './context.ts';

/** Makes an action of a command. */
export type Run = <Arguments extends unknown[]>(
  command: (context: CommandContext, ...given: Arguments) => Promise<ExitCode>,
) => (...given: Arguments) => Promise<void>;

/** The two kinds of actions: `ask` is for what changes nothing and can be dropped at once. */
export interface Actions {
  run: Run;
  ask: Run;
}

export function json(): Option {
  return new Option('--json', 'one JSON object a line instead of a table');
}

export function repeatable(flags: string, description: string): Option {
  return new Option(flags, description)
    .argParser((value: string, before: string[]) => [...before, value])
    .default([], 'none');
}

export function wholeNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(text);
}

export function time(text: string): Date {
  const date = new Date(text);
  // Date also reads "5" and "1 may", and none of it as people mean it.
  const isTime = /^\d{4}-\d\d-\d\d/.test(text) && !Number.isNaN(date.getTime());
  if (!isTime) throw new InvalidArgumentError('It must be a time such as 2026-11-22T10:00:00Z.');
  return date;
}

const idSchema = opaqueText(256);

/** What can be the id of a page or conversation. */
export function opaqueId(text: string): string {
  const { error } = idSchema.safeParse(text);
  if (error) throw new InvalidArgumentError(`It ${error.issues[0]?.message ?? 'is no id'}.`);
  return text;
}

/** As a limit: what the variables say. */
export const DEFAULT_LIMIT = 'default';

/** A limit as its one text, `none` or `default`. */
export function rateLimit(text: string): string {
  if (text === DEFAULT_LIMIT || text === NO_LIMIT) return text;
  const limit = parseRateLimit(text);
  if (limit === null) throw new InvalidArgumentError(`It ${RATE_LIMIT_RULE}; or be none, or default.`);
  return formatRateLimit(limit);
}
