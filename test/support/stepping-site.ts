import { type HeldInstallation, installWithHolds } from './held-installation.ts';
import { startSteppingRedis } from './stepping-redis.ts';
import type { InstallationOptions } from './worker.ts';

/** The step of the tests, in ms. */
export const TEN_MINUTES_MS = 600_000;

/** An installation with its own Redis, whose clock can be stepped. */
export interface SteppingSite extends HeldInstallation {
  /** Steps the clock of Redis, back if the number is negative. */
  stepClock(byMs: number): Promise<void>;
}

export async function installOnSteppingRedis(options: InstallationOptions = {}): Promise<SteppingSite> {
  const stack = new AsyncDisposableStack();
  const redis = stack.use(await startSteppingRedis());
  const site = stack.use(await installWithHolds(redis, options));
  return { ...site, stepClock: redis.stepClock, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}
