import { pino } from 'pino';
import type { DestinationStream, Logger as PinoLogger } from 'pino';

import type { Config } from '../config/config.ts';
import { serializeError, titleOf } from '../errors/serialize-error.ts';
import { logToStdout } from './log-sink.ts';

export type Logger = PinoLogger;

export interface LoggerOptions {
  level: Config['logLevel'];
  /** The destination of the lines: `process.stderr`, or any object with `write`. Default: stdout. */
  destination?: DestinationStream | undefined;
}

/**
 * Creates a pino logger: JSON lines with an ISO time and the level as a word. Pass errors as `{ err }`: only their parts that are known
 * to be safe are logged. Never pass requests, answers, message content, keys, or URLs that may contain a password.
 *
 * @example
 * log.warn({ err, messageId }, 'attempt failed');
 */
export function createLogger({ level, destination }: LoggerOptions): Logger {
  return pino(
    {
      level,
      name: 'kitechat-sender',
      // No pid and no host name: they mean nothing in a container, and workers log their own id.
      base: {},
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: serializeError, error: serializeError },
      hooks: {
        // Without a message pino would log the error's own message, which may contain anything.
        logMethod(args, method) {
          const error = errorOf(args[0]);
          if (error && args[1] === undefined) method.apply(this, [args[0], titleOf(error)]);
          else method.apply(this, args);
        },
      },
    },
    inOneLine(destination ?? logToStdout()),
  );
}

/** Characters that JSON does not escape, but that programs read as the end of a line or terminals as a command. */
const LINE_BREAKER = /[\u007f-\u009f\u2028\u2029]/;
const LINE_BREAKERS = /[\u007f-\u009f\u2028\u2029]/g;

/** Escapes these characters, so that each event is one line for every reader. */
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
