import { setTimeout as delay } from 'node:timers/promises';
import type { Shard } from '../../src/shared/lanes/shard.ts';
import { killWithParent } from '../../src/testing/redis/kill-with-parent.ts';
import { type CommandProcess, startCommand } from '../support/command-line.ts';
import { eventually } from '../support/eventually.ts';
import { type OpenRequest, isIdOf, stopAndCount } from '../support/open-requests.ts';

export interface FleetOptions {
  shard: Shard;
  env: Record<string, string>;
  random(): number;
}

/** Worker processes that are started and stopped. */
export interface Fleet {
  start(): Promise<void>;
  /** Kills a worker, after stopping it and counting its open requests, and starts another. */
  killOne(): Promise<void>;
  /** Stops a worker for longer than its lock, like a frozen event loop, then resumes it. */
  freezeOne(forMs: number): Promise<void>;
  /** Replaces a worker as a deployment does. */
  deployOne(): Promise<void>;
  /** Ends all workers as an operator does. */
  endAll(): Promise<void>;
  /** Breaks something else while all workers are stopped, so that their open requests are counted exactly. */
  whileStopped(strike: () => Promise<void>): Promise<void>;
  countKill(): void;
  /** The workers that run now. */
  workers(): readonly CommandProcess[];
  /** The requests that were open at the kills and freezes. */
  readonly struck: readonly OpenRequest[];
  readonly kills: number;
  [Symbol.asyncDispose](): Promise<void>;
}

export function createFleet({ shard, env, random }: FleetOptions): Fleet {
  const running = new Set<CommandProcess>();
  const struck: OpenRequest[] = [];
  let kills = 0;

  async function start(): Promise<void> {
    const worker = startCommand(['worker'], env);
    running.add(worker);
    const release = killWithParent(worker.pid, null);
    void worker.ended().then(release);
    await eventually('the worker is registered', async () =>
      (await shard.redis.hkeys(`${shard.root}workers`)).some((id) => isIdOf(worker, id)),
    );
  }

  function pick(): CommandProcess {
    const victim = [...running][Math.floor(random() * running.size)];
    if (!victim) throw new Error('no worker is left');
    return victim;
  }

  async function end(worker: CommandProcess): Promise<void> {
    running.delete(worker);
    worker.kill('SIGTERM');
    const code = await worker.ended();
    if (code !== 0) throw new Error(`a worker ended with ${code} after SIGTERM`);
  }

  async function strike(victim: CommandProcess): Promise<void> {
    struck.push(...(await stopAndCount(shard, victim)));
  }

  return {
    struck,
    get kills() {
      return kills;
    },
    start,
    async whileStopped(strikeOther) {
      const open = await Promise.all([...running].map((worker) => stopAndCount(shard, worker)));
      struck.push(...open.flat());
      await strikeOther();
      for (const worker of running) worker.kill('SIGCONT');
    },
    countKill() {
      kills += 1;
    },
    workers: () => [...running],
    async killOne() {
      const victim = pick();
      await strike(victim);
      victim.kill('SIGKILL');
      running.delete(victim);
      kills += 1;
      await victim.ended();
      await start();
    },
    async freezeOne(forMs) {
      const victim = pick();
      await strike(victim);
      kills += 1;
      await delay(forMs);
      victim.kill('SIGCONT');
    },
    async deployOne() {
      const old = pick();
      await start();
      await end(old);
      kills += 1;
    },
    async endAll() {
      await Promise.all([...running].map(end));
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...running].map((worker) => worker[Symbol.asyncDispose]()));
    },
  };
}
