import { startConsole, type TestConsole } from './console.ts';
import { type HeldInstallation, installWithHolds } from './held-installation.ts';
import { type UsedRedis, useRedis } from './use-redis.ts';
import type { InstallationOptions } from './worker.ts';

/** An installation with a console. */
export interface Desk extends HeldInstallation {
  console: TestConsole;
}

export interface UsedDesks extends UsedRedis {
  openDesk(options?: InstallationOptions): Promise<Desk>;
}

/** A Redis with desks, each in its own namespace. Called at the top of a file or of a `describe`. */
export function useDesks(): UsedDesks {
  const used = useRedis();
  return Object.assign(used, {
    async openDesk(options: InstallationOptions = {}): Promise<Desk> {
      const stack = new AsyncDisposableStack();
      const installation = stack.use(await installWithHolds(used.server, options));
      const console = stack.use(await startConsole(installation.config));
      return { ...installation, console, [Symbol.asyncDispose]: () => stack.disposeAsync() };
    },
  });
}
