import { open } from 'node:fs/promises';
import {
  ConfigError,
  EnqueueUncertainError,
  InvalidMessageError,
  KitechatSenderError,
} from '../../shared/errors/errors.ts';
import { createProducer, type EnqueueItem, type Producer, type Receipt } from '../../producer/index.ts';
import { type CommandContext, type ExitCode, line } from '../context/context.ts';
import { loadSite } from '../context/site.ts';
import { withoutItsDeath } from './exported-line.ts';
import { type Input, type InputLine, readLines } from './lines.ts';
import { createSendReport } from './send-report.ts';
import { UnreadableInputError } from '../terminal/file-errors.ts';

/** The number of messages that are stored at once: more would only wait longer for Redis. */
const MAX_UNDER_WAY = 50;

/**
 * `send`: stores the messages of an NDJSON file or of stdin, each as soon as its line is complete. A bad line is reported and
 * skipped. Once a line has failed because of Redis, no more lines are read.
 */
export async function send(context: CommandContext, file: string | undefined): Promise<ExitCode> {
  // Before the file is opened: only reading closes it, so an error here would leave it open.
  await using producer = createProducer(loadSite(context));
  const input = file === undefined || file === '-' ? stdinOf(context) : await openFile(file);
  const report = createSendReport(context);
  const failed = new AbortController();
  const stop = AbortSignal.any([context.interrupted, failed.signal]);
  let fault: Error | null = null;
  let lastRead = 0;
  let leftEarly = true;

  // Lines whose result was not reported yet. Results are reported in the order of the lines, so the first is done first.
  const untold: Promise<void>[] = [];
  const tellInTurn = async (number: number, result: Promise<Receipt | Error>, turn?: Promise<void>): Promise<void> => {
    const end = await result;
    await turn;
    if (concernsLine(end)) report.tell(number, end);
    else fault ??= end;
    if (fault || report.redisFailed()) failed.abort();
  };
  try {
    for await (const read of readLines(input, stop)) {
      if (stop.aborted) break;
      lastRead = read.number;
      untold.push(tellInTurn(read.number, storeLine(producer, read), untold.at(-1)));
      if (untold.length >= MAX_UNDER_WAY) await untold.shift();
    }
    leftEarly = stop.aborted;
  } catch (error) {
    fault ??= asError(error);
  }
  await untold.at(-1);
  const exitCode = report.end(lastRead, leftEarly);
  if (fault) throw fault;
  return exitCode;
}

/**
 * Whether a result concerns one line. A wrong configuration or an internal error is reported once, not for every line, unless a line may
 * have been stored.
 */
function concernsLine(end: Receipt | Error): end is Receipt | KitechatSenderError {
  if (!(end instanceof Error) || end instanceof EnqueueUncertainError) return true;
  return end instanceof KitechatSenderError && !(end instanceof ConfigError) && !end.isInternal;
}

/** Never throws, so that a line can fail while another is read. */
async function storeLine(producer: Producer, read: InputLine): Promise<Receipt | Error> {
  if ('problem' in read) return refused(read.problem);
  let fields: unknown;
  try {
    fields = JSON.parse(read.text);
  } catch {
    return refused('is not valid JSON');
  }
  if (typeof fields !== 'object' || fields === null || Array.isArray(fields)) {
    return refused('must be an object with pageId, conversationId and message');
  }
  const item = withoutItsDeath(fields as Record<string, unknown>);
  if (item === null) return refused('is a dead letter whose message could not be read, so there is nothing to send');
  const { pageId, conversationId, message, ...options } = item as unknown as EnqueueItem;
  try {
    return await producer.enqueueMessage({ pageId, conversationId, message }, options);
  } catch (error) {
    return asError(error);
  }
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error('a value that is not an Error was thrown');
}

function refused(message: string): InvalidMessageError {
  return new InvalidMessageError([{ path: '', message }]);
}

function stdinOf({ stdin, stderr, typing }: CommandContext): Input {
  if (typing) line(stderr, 'Type or paste one message per line, as JSON; Ctrl-D ends the input.');
  return { name: 'stdin', stream: stdin };
}

async function openFile(path: string): Promise<Input> {
  try {
    return { name: path, stream: (await open(path)).createReadStream() };
  } catch (error) {
    throw new UnreadableInputError(path, error);
  }
}
