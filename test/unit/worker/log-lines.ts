import { createLogger, type Logger } from '../../../src/shared/logging/logger.ts';

/** A logger whose lines a test can read. */
export function readableLogger(): { logger: Logger; lines: string[] } {
  const lines: string[] = [];
  const logger = createLogger({ level: 'info', destination: { write: (line) => void lines.push(line) } });
  return { logger, lines };
}
