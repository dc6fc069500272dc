import type { Readable, Writable } from 'node:stream';
import type { Environment } from '../../shared/config/config.ts';

/** The environment of a command, which a test can replace. */
export interface CommandContext {
  env: Environment;
  stdin: Readable;
  /** Whether `stdin` is a terminal. */
  typing: boolean;
  /** For machines, and for tables. */
  stdout: Writable;
  /** For people: progress, summaries, errors. */
  stderr: Writable;
  /** Whether `stderr` is a terminal, where progress can be redrawn in place. */
  interactive: boolean;
  /** Whether `stdout` is a terminal, where a view can be redrawn. */
  onScreen: boolean;
  /** The current size of the terminal. */
  screenSize(): ScreenSize;
  /** Functions that are called however the process ends, even by an internal error, such as restoring the terminal. */
  atExit: Set<() => void>;
  /**
   * Functions that report an error that nothing handled and end what is open, in a bounded time; then the process ends. Without such a
   * function it reports the error on `stderr` and ends at once.
   */
  onFault: Set<(error: unknown) => Promise<void>>;
  /** Aborted by SIGINT, SIGTERM or SIGHUP, or when nobody reads `stdout` any more. */
  interrupted: AbortSignal;
  /** How to start this program again, for commands that need several processes. */
  self: { command: string; args: readonly string[] };
}

/** The reason of `interrupted` if nobody reads `stdout` any more. */
export const READER_GONE = 'EPIPE';

export interface ScreenSize {
  columns: number;
  rows: number;
}

/** The option `--json`, for output for machines. */
export interface JsonOption {
  json?: boolean | undefined;
}

/** The exit codes of all commands. */
export const exitCodes = { done: 0, notFullyDone: 1, usage: 2, redisUnreachable: 3, interrupted: 130 } as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** Writes for people, without control characters: an id or an answer of the API must not move the cursor or colour the terminal. */
export function line(stream: Writable, text: string): void {
  stream.write(`${plainText(text)}\n`);
}

/** The text with spaces instead of control characters; its line breaks stay. */
export function plainText(text: string): string {
  return text.replaceAll(/[^\P{Cc}\n]/gu, ' ');
}

/** Writes a value for machines, as one line of JSON without control characters. */
export function jsonLine(stream: Writable, value: unknown): void {
  stream.write(asJsonLine(value));
}

/** The line that `jsonLine` writes. */
export function asJsonLine(value: unknown): string {
  const json = JSON.stringify(value);
  // JSON.stringify escapes only control characters below U+0020, and a terminal also obeys some of the others.
  return `${json.replaceAll(/\p{Cc}/gu, (control) => `\\u00${control.charCodeAt(0).toString(16)}`)}\n`;
}
