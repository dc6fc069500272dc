import { loadConfig } from '../../shared/config/config.ts';
import { createLogger } from '../../shared/logger.ts';
import { createWorker } from '../../worker/index.ts';
import { type CommandContext, type ExitCode, exitCodes } from '../context/context.ts';

/** `worker`: delivers messages until it is interrupted, then drains. */
export async function runWorker({ env, interrupted }: CommandContext): Promise<ExitCode> {
  const config = loadConfig(env);
  const logger = createLogger({ level: config.logLevel });
  const worker = createWorker({ ...config, logger });
  if (interrupted.aborted) return exitCodes.done;
  interrupted.addEventListener('abort', () => void worker.close(), { once: true });
  const served = { config, worker, logger };
  // Imported only if needed, so that a worker without a port starts without these packages.
  const http = config.httpPort === undefined ? null : await (await import('../../console/index.ts')).startHttp(served);
  if (http) logger.info({ url: http.url }, 'serving health, metrics and the console');
  try {
    await worker.run();
    await worker.close();
  } finally {
    // Closed last, so that probes see the worker drain.
    await http?.close();
  }
  return exitCodes.done;
}
