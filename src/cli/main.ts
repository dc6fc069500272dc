#!/usr/bin/env node
import { once } from 'node:events';
import { setTimeout as delay, setImmediate } from 'node:timers/promises';
import { type CommandContext, exitCodes, line, READER_GONE } from './context/context.ts';
import { describeUnfitNode } from '../shared/runtime.ts';
import { describeFault } from './terminal/fault.ts';

/** Under npm one Ctrl-C arrives twice: from the terminal and from npm. */
const SAME_INTERRUPT_MS = 1000;
/** How long an interrupted process waits for the reader of its output. */
const LAST_OUTPUT_MS = 1000;

const interruption = new AbortController();
let interruptedAt = Infinity;
// SIGHUP: the terminal or the SSH session was closed.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    // A second interrupt means: exit at once.
    if (performance.now() - interruptedAt > SAME_INTERRUPT_MS) process.exit(exitCodes.interrupted);
    interruptedAt = Math.min(interruptedAt, performance.now());
    interruption.abort(signal);
  });
}
// `kitechat-sender … | head` closes the pipe: that is not an error, but nobody reads further output.
let unheard = false;
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === READER_GONE || isTerminalGone(error)) {
    unheard = true;
    interruption.abort(READER_GONE);
    return;
  }
  line(process.stderr, `the output can't be written (${error.code ?? error.name})`);
  process.exit(exitCodes.notFullyDone);
});
process.stderr.on('error', () => {});

function isTerminalGone({ code }: NodeJS.ErrnoException): boolean {
  return code === 'EIO' && process.stdout.isTTY;
}

const onFault = new Set<(error: unknown) => Promise<void>>();
let hasFault = false;
// Node would print the whole error, and errors of ioredis hold the command, with the password or the message.
process.on('uncaughtException', (error) => {
  // What failed once, such as a timer in a hook, may fail again while open work ends.
  if (hasFault) return;
  hasFault = true;
  void endByFault(error);
});

async function endByFault(fault: unknown): Promise<void> {
  if (onFault.size === 0) line(process.stderr, describeFault(fault));
  await Promise.allSettled([...onFault].map(async (end) => await end(fault)));
  process.exit(exitCodes.notFullyDone);
}

const atExit = new Set<() => void>();
process.on('exit', () => {
  for (const leave of atExit) leave();
});

const context: CommandContext = {
  env: process.env,
  stdin: process.stdin,
  typing: process.stdin.isTTY,
  stdout: process.stdout,
  stderr: process.stderr,
  interactive: process.stderr.isTTY,
  onScreen: process.stdout.isTTY,
  // A terminal that doesn't know its size reports 0.
  screenSize: () => ({
    columns: process.stdout.columns || process.stderr.columns || 80,
    rows: process.stdout.rows || process.stderr.rows || 24,
  }),
  atExit,
  onFault,
  interrupted: interruption.signal,
  self: { command: process.execPath, args: [import.meta.filename] },
};

async function main(): Promise<number> {
  const unfit = describeUnfitNode();
  if (unfit !== null) {
    line(process.stderr, unfit);
    return exitCodes.usage;
  }
  // Loaded after the signal handlers are set, so that a container can be stopped while it starts.
  const { run } = await import('./run.ts');
  return await run(context, process.argv.slice(2));
}

/** Waits until a reader, which may be slow, has read all output, and until an error of the last write was reported. */
async function allRead(): Promise<void> {
  for (const stream of [process.stdout, process.stderr].filter(({ writableLength }) => writableLength > 0)) {
    await new Promise((written) => {
      stream.write('', written);
    });
  }
  await setImmediate();
}

async function interruptionOver(): Promise<void> {
  if (!interruption.signal.aborted) await once(interruption.signal, 'abort');
  await delay(LAST_OUTPUT_MS);
}

const exitCode = await main();
await Promise.race([allRead(), interruptionOver()]);
// A handle that a library left open, such as a reconnecting connection, must not keep the process alive.
process.exit(hasFault || (unheard && exitCode === exitCodes.interrupted) ? exitCodes.notFullyDone : exitCode);
