import { pino } from 'pino';
import type { DestinationStream, Logger as PinoLogger } from 'pino';

import type { Config } from './config/config.ts';
import { serializeError, titleOf } from './errors/serialize-error.ts';

export type Logger = PinoLogger;

export interface LoggerOptions {
  level: Config['logLevel'];
  /** Where the lines go: `process.stderr`, or anything else with `write`. Default: stdout. */
  destination?: DestinationStream | undefined;
}

/**
 * A pino logger: JSON lines with an ISO time and the level as a word. Pass errors as `{ err }`: what is known to be harmless about
 * them is logged, and nothing else. Never pass requests, answers, message content, keys or URLs that may hold a password.
 *
 * @example
 * log.warn({ err, messageId }, 'attempt failed');
 */
export function createLogger({ level, destination }: LoggerOptions): Logger {
  return pino(
    {
      level,
      name: 'kitechat-sender',
      // Neither pid nor host name: in a container they say nothing, and workers log their own id.
      base: {},
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: serializeError, error: serializeError },
      hooks: {
        // Without a message of ours pino takes the error's, which may hold anything.
        logMethod(args, method) {
          const error = errorOf(args[0]);
          if (error && args[1] === undefined) method.apply(this, [args[0], titleOf(error)]);
          else method.apply(this, args);
        },
      },
    },
    inOneLine(destination ?? pino.destination(1)),
  );
}

/** What readers take for the end of a line, or terminals obey, and JSON lets stand as it is. */
const LINE_BREAKER = /[\u007f-\u009f\u2028\u2029]/;
const LINE_BREAKERS = /[\u007f-\u009f\u2028\u2029]/g;

/** Each event is one line for every reader, whatever stands in its data. */
function inOneLine(destination: DestinationStream): DestinationStream {
  return {
    write(line) {
      destination.write(LINE_BREAKER.test(line) ? line.replaceAll(LINE_BREAKERS, escaped) : line);
    },
  };
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

function errorOf(logged: unknown): unknown {
  if (logged instanceof Error) return logged;
  return typeof logged === 'object' && logged !== null && 'err' in logged ? logged.err : undefined;
}
