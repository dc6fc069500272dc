import { InvalidArgumentError, Option } from 'commander';
import { formatRateLimit, NO_LIMIT, parseRateLimit, RATE_LIMIT_RULE } from '../../shared/model/rate-limit.ts';
import type { HistoryStart } from '../../shared/reading/history-order.ts';
import { opaqueText } from '../../shared/validation/rules.ts';
import type { CommandContext, ExitCode } from './context.ts';

type Task<Arguments extends unknown[]> = (context: CommandContext, ...given: Arguments) => Promise<ExitCode>;

/** Turns a command into an action for commander. */
export type Run = <Arguments extends unknown[]>(command: Task<Arguments>) => (...given: Arguments) => Promise<void>;

/** Loads a command only when it is run, so that other commands start without its packages. */
export function lazily<Arguments extends unknown[]>(load: () => Promise<Task<Arguments>>): Task<Arguments> {
  return async (context, ...given) => await (await load())(context, ...given);
}

/** The kinds of actions. `run` is for commands that handle an interruption themselves: they change something, or clean up. */
export interface Actions {
  run: Run;
  /** For commands that only read and can be abandoned at once. */
  ask: Run;
}

export function json(): Option {
  return new Option('--json', 'one JSON object per line instead of a table');
}

export function repeatable(flags: string, description: string): Option {
  return new Option(flags, description)
    .argParser((value: string, before: string[]) => [...before, value])
    .default([], 'none');
}

export function wholeNumberFlag(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(text);
}

const MOST_DAYS = 36_500;

export function keptDays(text: string): number {
  const days = wholeNumberFlag(text);
  if (days < 1 || days > MOST_DAYS) throw new InvalidArgumentError(`It must be from 1 to ${MOST_DAYS}.`);
  return days;
}

const MOST_SHARDS = 256;

export function shardCount(text: string): number {
  const count = wholeNumberFlag(text);
  if (count < 1 || count > MOST_SHARDS) throw new InvalidArgumentError(`It must be from 1 to ${MOST_SHARDS}.`);
  return count;
}

export function timeFlag(text: string): Date {
  const date = new Date(text);
  // Date also accepts "5" and "1 may", but not as people mean them.
  const isTime = /^\d{4}-\d\d-\d\d/.test(text) && !Number.isNaN(date.getTime());
  if (!isTime) throw new InvalidArgumentError('It must be a time such as 2026-11-22T10:00:00Z.');
  return date;
}

/** A time, or a time and the id of a message that was stored then. */
export function historyStart(text: string): HistoryStart {
  const [time = '', id] = text.split(',');
  const date = timeFlag(time);
  return id === undefined ? date : { id, enqueuedAt: date.toISOString() };
}

const idSchema = opaqueText(256);

/** A valid id of a page or conversation. */
export function opaqueId(text: string): string {
  const { error } = idSchema.safeParse(text);
  if (error) throw new InvalidArgumentError(`It ${error.issues[0]?.message ?? 'is not an id'}.`);
  return text;
}

/** In place of a limit: the variables of the workers apply. */
export const DEFAULT_LIMIT = 'default';

/** A limit in its canonical form, `none` or `default`. */
export function rateLimitFlag(text: string): string {
  if (text === DEFAULT_LIMIT || text === NO_LIMIT) return text;
  const limit = parseRateLimit(text);
  if (limit === null) throw new InvalidArgumentError(`It ${RATE_LIMIT_RULE}, or be none or default.`);
  return formatRateLimit(limit);
}

/** A valid replay rate, unchanged. */
export function replayRate(text: string): string {
  if (parseRateLimit(text) === null) throw new InvalidArgumentError(`It ${RATE_LIMIT_RULE}.`);
  return text;
}
