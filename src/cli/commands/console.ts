import { once } from 'node:events';
import { startHttp } from '../../console/index.ts';
import { loadConfig } from '../../shared/config/config.ts';
import { createLogger } from '../../shared/logger.ts';
import { type CommandContext, type ExitCode, exitCodes, line } from '../context/context.ts';

/** `console`: serves the console without a worker until it is interrupted. */
export async function runConsole({ env, stderr, interrupted }: CommandContext): Promise<ExitCode> {
  const config = loadConfig(env);
  const logger = createLogger({ level: config.logLevel, destination: stderr });
  const http = await startHttp({ config, worker: null, logger });
  line(stderr, `The console is at ${http.url}; Ctrl-C stops it.`);
  if (!interrupted.aborted) await once(interrupted, 'abort');
  await http.close();
  return exitCodes.done;
}
