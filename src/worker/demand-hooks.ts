import { ConfigError } from '../shared/errors/errors.ts';
import type { WorkerLogger } from '../shared/logging/worker-logger.ts';

const LOG_EVENTS = ['debug', 'info', 'warn', 'error'] as const;

/** @throws ConfigError for hooks that are no functions, which otherwise the first message would meet. */
export function demandHooks(hooks: Readonly<Record<string, unknown>>, logger: WorkerLogger | undefined): void {
  const problems = Object.entries(hooks).flatMap(([name, hook]) =>
    hook === undefined || typeof hook === 'function' ? [] : `${name} must be a function`,
  );
  const missing = logger ? LOG_EVENTS.filter((name) => typeof logger[name] !== 'function') : [];
  if (missing.length > 0) {
    problems.push(`logger needs the functions ${LOG_EVENTS.join(', ')}; it lacks ${missing.join(', ')}`);
  }
  if (problems.length > 0) throw new ConfigError(problems);
}
