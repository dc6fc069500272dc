import type { CommandProcess } from './command-line.ts';

export interface ClockShift {
  /** The initial offset from the machine's clock, in ms; negative if the process's clock is behind. */
  aheadMs?: number;
  /** The step of `stepClock`, in ms. */
  stepMs?: number;
}

/** The line that a process with a shifted clock writes to stdout when its clock has stepped. */
export const CLOCK_STEPPED = 'the clock has stepped';

const script = new URL('./shifted-clock-process.ts', import.meta.url).href;

/** The environment in which a Node.js process has a wrong wall clock and a right monotonic one. */
export function shiftedClock({ aheadMs = 0, stepMs = 0 }: ClockShift): Record<string, string> {
  return { NODE_OPTIONS: `--import=${script}`, CLOCK_SHIFT_MS: String(aheadMs), CLOCK_STEP_MS: String(stepMs) };
}

/** Steps the wall clock of a running process that was started with `shiftedClock`. */
export async function stepClock(running: CommandProcess): Promise<void> {
  const steps = (): number => running.stdout.filter((line) => line === CLOCK_STEPPED).length;
  const before = steps();
  running.kill('SIGUSR2');
  await running.lineWhere('stdout', () => steps() > before);
}
