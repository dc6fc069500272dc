import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** The main file of the command line. */
export const main = new URL('../../src/cli/main.ts', import.meta.url).pathname;
/** Node caches the compiled program for all runs, which halves the time to start. */
const compileCache = new URL('../../node_modules/.cache/node', import.meta.url).pathname;

/** Of this process's environment, only the path. */
export function environment(env: Record<string, string>): Record<string, string> {
  return { PATH: process.env['PATH'] ?? '', NODE_COMPILE_CACHE: compileCache, ...env };
}

/** As the third argument of `startCommand`: stdin stays open, and `write` feeds it. */
export const stdinStaysOpen = Symbol('stdin stays open');

/** A process of the command line, with its output so far. */
export interface CommandProcess {
  readonly pid: number;
  readonly stdout: readonly string[];
  /** Without the line that names the Redis. */
  readonly stderr: readonly string[];
  kill(signal: NodeJS.Signals): void;
  /** Works only if stdin stays open. */
  write(text: string): void;
  /** Settles with the exit code, or with the signal that ended it. */
  ended(): Promise<number | NodeJS.Signals>;
  /** Settles with the first line, past or future, that meets the condition. */
  lineWhere(stream: 'stdout' | 'stderr', holds: (line: string) => boolean, timeoutMs?: number): Promise<string>;
  [Symbol.asyncDispose](): Promise<void>;
}

const WAIT_MS = 60_000;

/** Runs the command line as a user's shell would. Of this process's environment it gets only the path. */
export function startCommand(
  args: readonly string[],
  env: Record<string, string> = {},
  stdin?: string | Uint8Array | typeof stdinStaysOpen,
): CommandProcess {
  return startNode([main, ...args], env, stdin);
}

/** Runs any Node.js program in the same way; the first argument is its file. */
export function startNode(
  args: readonly string[],
  env: Record<string, string> = {},
  stdin?: string | Uint8Array | typeof stdinStaysOpen,
): CommandProcess {
  const child: ChildProcess = spawn(process.execPath, args, {
    env: environment(env),
    stdio: [stdin === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
  });
  // A command may end before it has read all input.
  child.stdin?.on('error', () => {});
  if (stdin !== stdinStaysOpen) child.stdin?.end(stdin);
  const lines = { stdout: collectLines(child, 'stdout'), stderr: collectLines(child, 'stderr') };
  // `close` comes when the process has ended and all its output was read.
  const ended = once(child, 'close').then(([code, signal]: (number | NodeJS.Signals | null)[]) => code ?? signal);

  return {
    pid: child.pid ?? 0,
    stdout: lines.stdout.seen,
    stderr: lines.stderr.seen,
    kill: (signal) => void child.kill(signal),
    write: (text) => void child.stdin?.write(text),
    ended: async () => (await ended) as number | NodeJS.Signals,
    lineWhere: (stream, holds, timeoutMs) => lines[stream].where(holds, timeoutMs),
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
      await ended;
    },
  };
}

export interface CommandResult {
  exitCode: number | NodeJS.Signals;
  stdout: string[];
  /** Without the line that names the Redis. */
  stderr: string[];
}

/** Whether a line on stderr is the one that names the Redis, which all commands write in the same way. */
export function namesRedis(line: string): boolean {
  return line.startsWith('Redis: ');
}

/** Runs a command to its end in a process of its own; `runCommand` does it in this one. */
export async function runProcess(
  args: readonly string[],
  env: Record<string, string> = {},
  stdin?: string | Uint8Array,
): Promise<CommandResult> {
  await using command = startCommand(args, env, stdin);
  const exitCode = await command.ended();
  return { exitCode, stdout: [...command.stdout], stderr: [...command.stderr] };
}

function collectLines(child: ChildProcess, name: 'stdout' | 'stderr') {
  const seen: string[] = [];
  const waiting = new Set<() => void>();
  const stream = child[name];
  if (stream) {
    createInterface({ input: stream }).on('line', (line) => {
      if (name === 'stderr' && namesRedis(line)) return;
      seen.push(line);
      for (const look of waiting) look();
    });
  }
  return {
    seen,
    async where(holds: (line: string) => boolean, timeoutMs = WAIT_MS): Promise<string> {
      return await new Promise((resolve, reject) => {
        const look = (): void => {
          const found = seen.find(holds);
          if (found === undefined) return;
          clearTimeout(timer);
          waiting.delete(look);
          resolve(found);
        };
        const timer = setTimeout(() => {
          waiting.delete(look);
          reject(new Error(`no such line on ${name} in ${timeoutMs} ms; it wrote:\n${seen.slice(-20).join('\n')}`));
        }, timeoutMs);
        waiting.add(look);
        look();
      });
    },
  };
}
