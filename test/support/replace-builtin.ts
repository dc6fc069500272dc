import { syncBuiltinESMExports } from 'node:module';
import { onTestFinished } from 'vitest';

/**
 * Replaces a function of one of Node's own modules, for everybody who imports it, until the running test ends. `vi.mock` would
 * have no effect on a module of ours that another file of tests has loaded in the same worker.
 */
export function replaceBuiltin<Module extends object, Name extends keyof Module>(
  module: Module,
  name: Name,
  replacement: Module[Name],
): void {
  const original = module[name];
  module[name] = replacement;
  syncBuiltinESMExports();
  onTestFinished(() => {
    module[name] = original;
    syncBuiltinESMExports();
  });
}
