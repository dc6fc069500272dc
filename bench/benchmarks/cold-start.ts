import { execFileSync } from 'node:child_process';
import type { Benchmark, Measurement } from '../benchmark.ts';
import { median } from '../result/statistics.ts';
import { startProcess } from '../stage/process.ts';
import { openRedisStore } from '../stage/redis-store.ts';
import { contestOf, type OpenSide } from './pair.ts';

const PROGRAM = new URL('../contestants/cold-start-process.mjs', import.meta.url);
const PROCESSES = 5;

/** What does an app pay that starts often, as a function in a cloud does? */
export const coldStart: Benchmark = {
  name: 'cold-start',
  measures:
    'Milliseconds of processor time in which a process that has just started imports the package, connects and stores its first message: ' +
    `the median of ${PROCESSES} processes in each round. BullMQ by hand imports bullmq and ioredis, and calls \`queue.add()\`.`,
  unit: 'ms',
  limit: { atMost: 1 },
  also: { 'import, ms': { atMost: 0.9 }, 'first message, ms': { atMost: 1.6 } },
  async prepare() {
    // Apps import what is built.
    execFileSync('npm', ['run', '--silent', 'build'], { stdio: 'inherit' });
    return await contestOf(
      async () => await openSide('BullMQ', 'bullmq'),
      async () => await openSide('kitechat-sender', 'kitechat-sender'),
    );
  },
};

async function openSide(name: string, imported: string): Promise<OpenSide> {
  const store = await openRedisStore();
  return {
    name,
    async measure() {
      const started: ColdStart[] = [];
      for (let nth = 0; nth < PROCESSES; nth += 1) started.push(await startOnce(imported, store.url));
      return medianOf(started);
    },
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

interface ColdStart {
  importUs: number;
  allUs: number;
}

async function startOnce(imported: string, storeUrl: string): Promise<ColdStart> {
  await using child = await startProcess(PROGRAM, [imported, storeUrl]);
  return child.greeting as ColdStart;
}

function medianOf(started: readonly ColdStart[]): Measurement {
  const ms = (numberOf: (start: ColdStart) => number): number => median(started.map(numberOf)) / 1000;
  return {
    value: ms(({ allUs }) => allUs),
    details: {
      'import, ms': ms(({ importUs }) => importUs),
      'first message, ms': ms(({ importUs, allUs }) => allUs - importUs),
    },
  };
}
