import { once } from 'node:events';
import { startHttp } from '../../console/index.ts';
import { loadConfig } from '../../shared/config/config.ts';
import { createLogger } from '../../shared/logger.ts';
import { type CommandContext, type ExitCode, exitCodes, line } from '../context/context.ts';

/** `console`: the operators' page without a worker, until it is told to stop. */
export async function runConsole({ env, stderr, interrupted }: CommandContext): Promise<ExitCode> {
  const config = loadConfig(env);
  const logger = createLogger({ level: config.logLevel, destination: stderr });
  const http = await startHttp({ config, worker: null, logger });
  line(stderr, `The console is at ${http.url}; Ctrl-C ends it.`);
  if (!interrupted.aborted) await once(interrupted, 'abort');
  await http.close();
  return exitCodes.done;
}
