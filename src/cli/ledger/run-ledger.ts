import { loadConfig } from '../../shared/config/config.ts';
import { describeLedgerPlace } from '../../shared/ledger/place.ts';
import { siteOf } from '../context/site.ts';
import { openLedger } from '../../shared/ledger/open-ledger.ts';
import { logToStdout } from '../../shared/logging/log-sink.ts';
import { createLogger } from '../../shared/logging/logger.ts';
import { openEvents } from '../../events/index.ts';
import { type CommandContext, type ExitCode, exitCodes } from '../context/context.ts';
import { keepEvents } from './keep-events.ts';
import { type PlaceFlags, placeOf } from './place.ts';
import { tidyHourly } from './tidy-hourly.ts';

export interface LedgerCommandOptions extends PlaceFlags {
  content?: true;
  keepDays?: number;
}

/** All processes of this group share the events. */
const GROUP = 'ledger';

/** `ledger`: keeps events outside Redis until it is interrupted. */
export async function runLedger(context: CommandContext, options: LedgerCommandOptions): Promise<ExitCode> {
  const { env, interrupted } = context;
  const config = loadConfig(env);
  const place = placeOf(options, config);
  const log = logToStdout();
  context.atExit.add(log.end);
  const logger = createLogger({ level: config.logLevel });
  const { content = false, keepDays } = options;
  const ledger = await openLedger(place, { namespace: config.namespace });
  try {
    logger.info(
      { redis: siteOf(env, config), ledger: describeLedgerPlace(place), content, keepDays },
      'keeping events',
    );
    await using _tidy = keepDays === undefined ? null : tidyHourly(ledger, keepDays, logger);
    await using events = openEvents({
      ...config,
      group: GROUP,
      content,
      onError: (error) => logger.warn({ err: error }, 'Redis is away; events are kept when it is back'),
    });
    await keepEvents({ events, ledger, logger, signal: interrupted });
  } finally {
    await ledger.close();
  }
  logger.info('stopped keeping events');
  return exitCodes.done;
}
