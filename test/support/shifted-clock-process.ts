import { writeSync } from 'node:fs';
import { CLOCK_STEPPED } from './shifted-clock.ts';

/**
 * Loaded into a process before its own code, this gives the process its own wall clock: `Date` is shifted, and steps at
 * SIGUSR2. The monotonic clock is unchanged, as when a machine's clock is set.
 */
const machineNow = Date.now;
let shiftMs = Number(process.env['CLOCK_SHIFT_MS']);

Date.now = () => machineNow() + shiftMs;
globalThis.Date = new Proxy(Date, {
  apply: () => new Date().toString(),
  construct: (target, args: unknown[], newTarget) =>
    Reflect.construct(target, args.length === 0 ? [Date.now()] : args, newTarget) as Date,
});

process.on('SIGUSR2', () => {
  shiftMs += Number(process.env['CLOCK_STEP_MS']);
  writeSync(process.stdout.fd, `${CLOCK_STEPPED}\n`);
});
