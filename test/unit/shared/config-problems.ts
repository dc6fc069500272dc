import { type Environment, loadConfig } from '../../../src/shared/config/config.ts';
import { ConfigError } from '../../../src/shared/errors/errors.ts';

export function problemsOf(configure: () => unknown): readonly string[] {
  try {
    configure();
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

export function problemsIn(env: Environment, files: Record<string, string> = {}): readonly string[] {
  return problemsOf(() => loadConfig(env, (path) => files[path] ?? missing()));
}

function missing(): never {
  throw Object.assign(new Error('ENOENT: no such file, open ...'), { code: 'ENOENT', syscall: 'open' });
}
