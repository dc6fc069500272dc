import { syncBuiltinESMExports } from 'node:module';
import { onTestFinished } from 'vitest';

/**
 * Replaces a function of one of Node's own modules, for all importers, until the running test ends. `vi.mock` would have no
 * effect on a module of ours that another test file has already loaded in the same worker.
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
