import type { LogLevel } from './schema.ts';

/** The settings of a worker's log. */
export interface LogOptions {
  /**
   * The lowest level that the worker logs, as JSON lines on stdout.
   *
   * @default 'info'
   * @example 'warn'
   */
  logLevel?: LogLevel | undefined;
  /**
   * The part of deliveries that is logged: `1/100` for those of one conversation in 100, `0/1` for none. Their lines say `sampled: 100`.
   * All other attempts are always logged.
   *
   * @default '1/1'
   * @example '1/100'
   */
  logDelivered?: string | undefined;
}
