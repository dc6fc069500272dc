import { once } from 'node:events';
import { loadConfig } from '../../shared/config/config.ts';
import { exposuresOfToken } from '../../shared/config/exposures.ts';
import { logToStdout } from '../../shared/logging/log-sink.ts';
import { createLogger } from '../../shared/logging/logger.ts';
import { flushSpans } from '../../shared/tracing/flush-spans.ts';
import { createWorker } from '../../worker/index.ts';
import { type CommandContext, type ExitCode, exitCodes, line } from '../context/context.ts';
import { describeFault } from '../terminal/fault.ts';
import { keepHeartbeat } from './heartbeat-file.ts';
import type { FileHooks } from './hook-exports.ts';
import { type HooksFile, loadHooks } from './hooks-file.ts';

/** How long the process waits for the last OpenTelemetry spans to leave. */
const LAST_SPANS_MS = 1000;

export interface WorkerCommandOptions {
  /** A file of hooks, in place of the variable's. */
  hooks?: string;
}

/** `worker`: delivers messages until it is interrupted, then drains. */
export async function runWorker(context: CommandContext, given: WorkerCommandOptions): Promise<ExitCode> {
  const { env, interrupted } = context;
  const config = loadConfig(env);
  const log = logToStdout();
  context.atExit.add(log.end);
  const logger = createLogger({ level: config.logLevel });
  const hooks = await hooksOf(fileOf(given.hooks, config.hooksFile), interrupted);
  if (hooks === null) return exitCodes.done;
  const stateDir = config.stateDir ?? folderOfSystemd(env);
  const worker = createWorker({ ...config, stateDir, ...hooks, logger });
  if (interrupted.aborted) return exitCodes.done;
  interrupted.addEventListener('abort', () => void worker.close(), { once: true });
  context.onFault.add(async (error) => {
    if (!logger.isLevelEnabled('fatal')) line(context.stderr, describeFault(error));
    logger.fatal(
      { err: error },
      'an error that nothing handled, in a hook or in kitechat-sender; the worker lets open requests end, and the process ends',
    );
    await worker.close();
  });
  using _heartbeat = config.heartbeatFile === undefined ? null : keepHeartbeat(config.heartbeatFile, worker, logger);
  const served = { config, worker, logger, log };
  // Imported only if needed, so that a worker without a port starts without these packages.
  const http = config.httpPort === undefined ? null : await (await import('../../console/index.ts')).startHttp(served);
  try {
    const running = worker.run();
    // After the first line of the worker, which names its Redis and its API.
    const names = Object.keys(hooks);
    if (names.length > 0) logger.info({ hooks: names }, 'using hooks from a file');
    if (http) {
      logger.info({ url: http.url }, 'serving health, metrics and the console');
      for (const text of exposuresOfToken(config)) logger.warn(text);
    }
    await running;
    await worker.close();
  } finally {
    await flushSpans(LAST_SPANS_MS);
    // Closed last, so that probes see the worker drain.
    await http?.close();
  }
  return exitCodes.done;
}

/** `StateDirectory=` of a systemd unit; the variable can name several folders. */
function folderOfSystemd({ STATE_DIRECTORY: folders = '' }: CommandContext['env']): string | undefined {
  const [first = ''] = folders.split(':');
  return first === '' ? undefined : first;
}

function fileOf(flag: string | undefined, variable: string | undefined): HooksFile | null {
  if (flag !== undefined) return { path: flag, namedBy: '--hooks' };
  return variable === undefined ? null : { path: variable, namedBy: 'KITECHAT_HOOKS_FILE' };
}

/** Returns `null` if the worker is interrupted before the file is loaded. */
async function hooksOf(file: HooksFile | null, interrupted: AbortSignal): Promise<FileHooks | null> {
  if (file === null) return {};
  if (interrupted.aborted) return null;
  const loaded = new AbortController();
  const interruption = once(interrupted, 'abort', { signal: loaded.signal }).then(() => null);
  try {
    return await Promise.race([loadHooks(file), interruption]);
  } finally {
    interruption.catch(() => {});
    loaded.abort();
  }
}
