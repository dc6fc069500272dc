import type { Readable, Writable } from 'node:stream';
import type { Environment } from '../../shared/config/config.ts';

/** What a command has of the world: all of it can be given by a test. */
export interface CommandContext {
  env: Environment;
  stdin: Readable;
  /** Whether somebody types at `stdin`. */
  typing: boolean;
  /** For machines, and for tables. */
  stdout: Writable;
  /** For people: progress, summaries, errors. */
  stderr: Writable;
  /** Whether `stderr` is a terminal, where progress may be shown in place. */
  interactive: boolean;
  /** Whether `stdout` is a terminal, where a view may be drawn again and again. */
  onScreen: boolean;
  /** How large the terminal is now. */
  screenSize(): ScreenSize;
  /** What must be done however the process ends, even by a fault: a terminal is to be left as it was found. */
  atExit: Set<() => void>;
  /** Aborted by SIGINT or SIGTERM, or when nobody reads `stdout` any more. */
  interrupted: AbortSignal;
  /** How to start this program again, for commands that need several processes. */
  self: { command: string; args: readonly string[] };
}

/** Why it was interrupted, if nobody reads `stdout` any more. */
export const READER_GONE = 'EPIPE';

export interface ScreenSize {
  columns: number;
  rows: number;
}

/** `--json`: for machines. */
export interface JsonOption {
  json?: boolean | undefined;
}

/** What the shell learns. */
export const exitCodes = { done: 0, notFullyDone: 1, usage: 2, redisUnreachable: 3, interrupted: 130 } as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** Writes for people. What others wrote (an id, an answer of the API) must not move the cursor or colour the terminal. */
export function line(stream: Writable, text: string): void {
  stream.write(`${plainText(text)}\n`);
}

/** The text without what a terminal obeys; its lines stay. */
export function plainText(text: string): string {
  return text.replaceAll(/[^\P{Cc}\n]/gu, ' ');
}

/** Writes for machines: any value as one line, without a control character. */
export function jsonLine(stream: Writable, value: unknown): void {
  stream.write(asJsonLine(value));
}

/** What `jsonLine` writes. */
export function asJsonLine(value: unknown): string {
  const json = JSON.stringify(value);
  // JSON.stringify escapes only those below the space, and a terminal obeys some of the others too.
  return `${json.replaceAll(/\p{Cc}/gu, (control) => `\\u00${control.charCodeAt(0).toString(16)}`)}\n`;
}
