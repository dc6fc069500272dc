/** Logs one event: its facts as fields, and in words what happened. */
export type LogEvent = (fields: object, text: string) => void;

/**
 * What a worker needs of a logger; a pino logger fits. If the fields contain an error, it is the field `err`: log its name, code and stack.
 * Its other properties can hold a command with a message or a password.
 *
 * @example
 * const logger: WorkerLogger = {
 *   debug: () => {},
 *   info: (fields, text) => appLog.write('info', text, fields),
 *   warn: (fields, text) => appLog.write('warn', text, fields),
 *   error: (fields, text) => appLog.write('error', text, fields),
 * };
 */
export interface WorkerLogger {
  debug: LogEvent;
  info: LogEvent;
  warn: LogEvent;
  error: LogEvent;
}
