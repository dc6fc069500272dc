import type { Readable, Writable } from 'node:stream';
import type { Environment } from '../shared/config.ts';

/** What a command has of the world: all of it can be given by a test. */
export interface CommandContext {
  env: Environment;
  stdin: Readable;
  /** For machines, and for tables. */
  stdout: Writable;
  /** For people: progress, summaries, errors. */
  stderr: Writable;
  /** Whether `stderr` is a terminal, where progress may be shown in place. */
  interactive: boolean;
  /** Aborted by SIGINT or SIGTERM. */
  interrupted: AbortSignal;
  /** How to start this program again, for commands that need several processes. */
  self: { command: string; args: readonly string[] };
}

/** What the shell learns. */
export const exitCodes = { done: 0, notFullyDone: 1, usage: 2, redisUnreachable: 3, interrupted: 130 } as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

export function line(stream: Writable, text: string): void {
  stream.write(`${text}\n`);
}

export function jsonLine(stream: Writable, value: unknown): void {
  line(stream, JSON.stringify(value));
}
