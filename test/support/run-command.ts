import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { run } from '../../src/cli/run.ts';
import { type CommandResult, main, namesRedis } from './command-line.ts';

let running = 0;
// Output of a library would also appear on the stdout or stderr of a command. No spies: vitest restores them after the first file
// of a process.
for (const print of ['log', 'info', 'warn', 'error'] as const) {
  const original = console[print];
  console[print] = (...printed: unknown[]) => {
    if (running === 0) return original(...printed);
    throw new Error(`console.${print} was called`, { cause: printed });
  };
}

/**
 * Runs a command to its end in this process, which takes a fraction of the time of a new process. Use `runProcess` for signals,
 * a terminal, settings of Node, and the log of a worker, which need a process.
 */
export async function runCommand(...given: Parameters<typeof runWhole>): Promise<CommandResult> {
  const { stderr, ...others } = await runWhole(...given);
  return { ...others, stderr: stderr.filter((line) => !namesRedis(line)) };
}

/** Does the same, and leaves everything on stderr. */
export async function runWhole(
  args: readonly string[],
  env: Record<string, string> = {},
  stdin: string | Uint8Array = '',
  interrupted: AbortSignal = new AbortController().signal,
): Promise<CommandResult> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const written = Promise.all([text(stdout), text(stderr)]);
  running += 1;
  const exitCode = await run(
    {
      env: { PATH: process.env['PATH'] ?? '', ...env },
      stdin: Readable.from([Buffer.from(stdin)]),
      typing: false,
      stdout,
      stderr,
      interactive: false,
      onScreen: false,
      screenSize: () => ({ columns: 80, rows: 24 }),
      atExit: new Set(),
      onFault: new Set(),
      interrupted,
      self: { command: process.execPath, args: [main] },
    },
    args,
  ).finally(() => (running -= 1));
  // A write after this is an error that fails the tests.
  stdout.end();
  stderr.end();
  const [out, err] = await written;
  return { exitCode, stdout: linesOf(out), stderr: linesOf(err) };
}

function linesOf(output: string): string[] {
  return output === '' ? [] : output.replace(/\n$/, '').split('\n');
}
