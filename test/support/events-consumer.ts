import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { EventRecord } from '../../src/events/index.ts';
import { killWithParent } from '../../src/testing/redis/kill-with-parent.ts';
import { environment } from './command-line.ts';

/** What the program `events-process.ts` is told. */
export interface ConsumerOptions {
  redisUrl: string;
  namespace?: string | undefined;
  shards?: number | undefined;
  group: string;
  /** The average time for which it handles an event. */
  thinkMs?: number | undefined;
}

/** A process that consumes events. */
export interface Consumer extends AsyncDisposable {
  readonly pid: number;
  /** What it got so far, in order. */
  readonly events: readonly EventRecord[];
  kill(signal: NodeJS.Signals): void;
  /** Settles when it has ended and all its output was read. */
  ended(): Promise<void>;
}

const program = new URL('events-process.ts', import.meta.url).pathname;

export function startConsumer(options: ConsumerOptions, onEvent: (event: EventRecord) => void = () => {}): Consumer {
  const child = spawn(process.execPath, [program, JSON.stringify(options)], {
    env: environment({}),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const events: EventRecord[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => {
    const event = JSON.parse(line) as EventRecord;
    events.push(event);
    onEvent(event);
  });
  const ended = once(child, 'close');
  const pid = child.pid ?? 0;
  const release = killWithParent(pid, null);
  void ended.then(release);
  return {
    pid,
    events,
    kill: (signal) => void child.kill(signal),
    async ended() {
      await ended;
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
      await ended;
    },
  };
}
