#!/usr/bin/env node
import { CommanderError } from 'commander';
import { unknownVariables } from '../shared/config.ts';
import { type CommandContext, exitCodes, line } from './context.ts';
import { failureOf } from './failure.ts';
import { createProgram } from './program.ts';

const interruption = new AbortController();
let interrupts = 0;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    interrupts += 1;
    // Whoever asks twice doesn't want to wait.
    if (interrupts > 1) process.exit(exitCodes.interrupted);
    interruption.abort(signal);
  });
}
// `kitechat-sender … | head` ends the pipe: that is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(exitCodes.done);
});

const context: CommandContext = {
  env: process.env,
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  interactive: process.stderr.isTTY,
  interrupted: interruption.signal,
  self: { command: process.execPath, args: [import.meta.filename] },
};

async function main(): Promise<number> {
  for (const warning of unknownVariables(process.env)) line(process.stderr, `warning: ${warning}`);
  let exitCode: number = exitCodes.done;
  try {
    await createProgram(context, (code) => (exitCode = code)).parseAsync(process.argv);
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
    const failure = failureOf(error);
    line(process.stderr, failure?.message ?? `a fault in this program, please report it: ${describeFault(error)}`);
    return failure?.exitCode ?? exitCodes.notFullyDone;
  }
}

function describeFault(error: unknown): string {
  // The message of a foreign error may hold a key or content; where it happened can't.
  const frames = error instanceof Error ? (error.stack ?? '').split('\n').filter((frame) => /^\s+at /.test(frame)) : [];
  return [error instanceof Error ? error.name : typeof error, ...frames].join('\n');
}

const exitCode = await main();
await Promise.all(
  [process.stdout, process.stderr].map((stream) => new Promise((written) => stream.write('', written))),
);
// What a library left open (a connection that keeps trying) must not keep the process.
process.exit(exitCode);
