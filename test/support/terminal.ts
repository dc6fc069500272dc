import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { environment, main } from './command-line.ts';
import { eventually } from './eventually.ts';

export const CTRL_C = '\u0003';
export const CTRL_D = '\u0004';

/** A command on its own terminal, where stdout and stderr are combined. */
export interface TerminalProcess {
  /** The whole output of the terminal, with control sequences, where `␛` stands for the escape character. */
  output(): string;
  type(keys: string): void;
  /** Settles when the terminal has shown a text, after the first `after` characters. */
  shows(pattern: RegExp, after?: number): Promise<void>;
  /** Settles with the exit code. */
  ended(): Promise<number>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Runs the command line under util-linux's `script`, which gives it a pseudo terminal. */
export function startInTerminal(args: readonly string[], env: Record<string, string>): TerminalProcess {
  const command = [process.execPath, main, ...args].map(quoted).join(' ');
  const child = spawn('script', ['--quiet', '--flush', '--return', '--command', `exec ${command}`, '/dev/null'], {
    env: environment({ SHELL: '/bin/sh', TERM: 'xterm', ...env }),
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin.on('error', () => {});
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text.replaceAll('\u001b', '␛')));
  const ended = once(child, 'close').then(([code]: (number | null)[]) => code ?? -1);

  return {
    output: () => output,
    type: (keys) => void child.stdin.write(keys),
    async shows(pattern, after = 0) {
      const look = (): boolean => pattern.test(output.slice(after));
      await eventually(`the terminal shows ${String(pattern)}`, look).catch((error: unknown) => {
        throw new Error(`${String(error)}; it shows:\n${output.slice(-2000)}`, { cause: error });
      });
    },
    ended: () => ended,
    async [Symbol.asyncDispose]() {
      // `script` ends its command with SIGHUP, as a closed terminal does.
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
      await ended;
    },
  };
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
