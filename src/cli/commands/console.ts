import { once } from 'node:events';
import { startHttp } from '../../console/index.ts';
import { exposuresOfConsole, exposuresOfToken } from '../../shared/config/exposures.ts';
import { createLogger } from '../../shared/logging/logger.ts';
import { type CommandContext, type ExitCode, exitCodes, line } from '../context/context.ts';
import { loadSite } from '../context/site.ts';

/** `console`: serves the console without a worker until it is interrupted. */
export async function runConsole(context: CommandContext): Promise<ExitCode> {
  const { stderr, interrupted } = context;
  const config = loadSite(context);
  const logger = createLogger({ level: config.logLevel, destination: stderr });
  const http = await startHttp({ config, worker: null, logger });
  for (const text of [...exposuresOfConsole(config), ...exposuresOfToken(config)]) logger.warn(text);
  line(stderr, `The console is at ${http.url}; Ctrl-C stops it.`);
  if (!interrupted.aborted) await once(interrupted, 'abort');
  await http.close();
  return exitCodes.done;
}
