import { openEvents } from '../../events/index.ts';
import { createDeadWebhooks, createDelivery, type Delivery, withContent, withoutContent } from '../../notify/index.ts';
import { type Config, loadConfig } from '../../shared/config/config.ts';
import { exposureOfFile, exposuresOfConsole, exposuresOfToken } from '../../shared/config/exposures.ts';
import { describeSite } from '../../shared/config/site.ts';
import { logToStdout } from '../../shared/logging/log-sink.ts';
import { createLogger, type Logger } from '../../shared/logging/logger.ts';
import { deadlineIn, within } from '../../shared/redis/deadline.ts';
import { openSealing } from '../../shared/sealing/sealing.ts';
import { createSession } from '../../shared/session/session.ts';
import { type CommandContext, type ExitCode, exitCodes, line } from '../context/context.ts';
import { describeFault } from '../terminal/fault.ts';
import { openReceiver, type ReceiverFlags } from './open-receiver.ts';

export interface NotifyFlags extends ReceiverFlags {
  group: string;
  concurrency: number;
  attempts: number;
  content?: true;
}

/** At most a minute, so that events flow soon after the receiver is back. */
const BACKOFF = { backoffMs: 1000, backoffMaxMs: 60_000 };
/** The time of a shutdown that is left for the acknowledgements. */
const LAST_ACKS_MS = 1000;

/** `notify`: delivers events as webhooks until it is interrupted. */
export async function runNotify(context: CommandContext, flags: NotifyFlags): Promise<ExitCode> {
  const { env, stderr, interrupted, onFault, atExit } = context;
  const { group, concurrency, attempts, content = false, secretFile } = flags;
  const config = loadConfig(env);
  const log = logToStdout();
  atExit.add(log.end);
  const logger = createLogger({ level: config.logLevel });
  const { namespace, enqueueTimeoutMs: timeoutMs, httpPort } = config;
  await using stack = new AsyncDisposableStack();

  const receiver = stack.adopt(openReceiver(flags, { config, connections: concurrency, logger }), (one) => one.close());
  const session = stack.adopt(createSession(config), (one) => one.close());
  const deadWebhooks = createDeadWebhooks({ session, namespace, group, timeoutMs });
  const events = openEvents({
    ...config,
    group,
    content,
    onError: (error) => logger.warn({ err: error }, 'no events can be read; the delivery waits until Redis answers'),
  });
  // If Redis does not answer, the last events come again.
  const close = async (): Promise<void> => await within(deadlineIn(config.shutdownMs), events.close()).catch(() => {});
  stack.defer(close);
  const delivery = createDelivery({
    events,
    receiver,
    bury: (dead) => deadWebhooks.add(dead),
    prepare: content ? withContent(openSealing(config), logger) : withoutContent,
    concurrency,
    attempts,
    backoff: BACKOFF,
    logger,
  });
  if (interrupted.aborted) return exitCodes.done;
  interrupted.addEventListener('abort', () => void delivery.stop(graceOf(config)), { once: true });
  onFault.add(async (error) => {
    if (!logger.isLevelEnabled('fatal')) line(stderr, describeFault(error));
    logger.fatal({ err: error }, 'internal error; open requests may end, and the process ends');
    await delivery.stop(graceOf(config));
    await close();
  });

  logger.info(
    { redis: describeSite(config), receiver: receiver.origin, group, concurrency, attempts, content },
    'delivering events as webhooks',
  );
  for (const text of [...exposuresOfConsole(config), ...exposureOfFile('--secret-file', secretFile)]) logger.warn(text);
  if (httpPort !== undefined) {
    const { startNotifyHttp } = await import('../../console/index.ts');
    const http = await startNotifyHttp({ config, port: httpPort, delivery, deadWebhooks, logger });
    stack.defer(() => http.close());
    logger.info({ url: http.url }, 'serving health and metrics');
    for (const text of exposuresOfToken(config)) logger.warn(text);
  }
  const exitCode = await deliver(delivery, receiver.origin, { stderr, logger });
  await close();
  return exitCode;
}

async function deliver(
  delivery: Delivery,
  origin: string,
  { stderr, logger }: Pick<CommandContext, 'stderr'> & { logger: Logger },
): Promise<ExitCode> {
  if ((await delivery.run()) === 'ended') {
    logger.info('stopped; events that were not accepted come again');
    return exitCodes.done;
  }
  const text = `the receiver at ${origin} answered 410: it wants no more events. They wait; give another --url, or stop this process`;
  logger.error(text);
  line(stderr, text);
  return exitCodes.notFullyDone;
}

function graceOf({ shutdownMs }: Config): number {
  return shutdownMs - Math.min(LAST_ACKS_MS, shutdownMs / 2);
}
