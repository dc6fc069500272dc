import { open } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { loadConfig } from '../shared/config.ts';
import { ConfigError, InvalidMessageError, KitechatSenderError } from '../shared/errors.ts';
import { createProducer, type EnqueueItem, type Producer, type Receipt } from '../producer/index.ts';
import { type CommandContext, type ExitCode, exitCodes, jsonLine, line } from './context.ts';
import { failureOf } from './failure.ts';

/** Lines that are on their way to Redis at once. */
const BATCH = 200;

interface Line {
  number: number;
  text: string;
}

interface Tally {
  stored: number;
  duplicates: number;
  refused: number;
}

/** `send`: stores the messages of an NDJSON file, or of stdin. A bad line is told and left out. */
export async function send(context: CommandContext, file: string | undefined): Promise<ExitCode> {
  const config = loadConfig(context.env);
  const input = file === undefined || file === '-' ? context.stdin : await openFile(file);
  await using producer = createProducer(config);
  const tally: Tally = { stored: 0, duplicates: 0, refused: 0 };
  for await (const batch of batchesOf(createInterface({ input, crlfDelay: Infinity }))) {
    if (context.interrupted.aborted) break;
    const fatal = await storeBatch(context, producer, batch, tally);
    if (fatal === null) continue;
    summarize(context, tally);
    return fatal;
  }
  summarize(context, tally);
  if (context.interrupted.aborted) return exitCodes.interrupted;
  return tally.refused > 0 ? exitCodes.notFullyDone : exitCodes.done;
}

/** @returns an exit code if it makes no sense to go on. */
async function storeBatch(
  { stdout, stderr }: CommandContext,
  producer: Producer,
  batch: readonly Line[],
  tally: Tally,
): Promise<ExitCode | null> {
  const results = await Promise.all(batch.map(async ({ text }) => await storeLine(producer, text)));
  let fatal: ExitCode | null = null;
  for (const [index, { number }] of batch.entries()) {
    const result = results[index];
    if (result === undefined) continue;
    if (!(result instanceof Error)) {
      tally.stored += result.duplicate ? 0 : 1;
      tally.duplicates += result.duplicate ? 1 : 0;
      jsonLine(stdout, { line: number, ...result });
      continue;
    }
    tally.refused += 1;
    for (const problem of problemsOf(result)) line(stderr, `line ${number}: ${problem}`);
    const failure = failureOf(result);
    if (failure?.exitCode === exitCodes.redisUnreachable) fatal = failure.exitCode;
  }
  return fatal;
}

async function storeLine(producer: Producer, text: string): Promise<Receipt | Error> {
  let fields: unknown;
  try {
    fields = JSON.parse(text);
  } catch {
    return new InvalidMessageError([{ path: '', message: 'is no valid JSON' }]);
  }
  if (typeof fields !== 'object' || fields === null || Array.isArray(fields)) {
    return new InvalidMessageError([
      { path: '', message: 'must be an object with pageId, conversationId and message' },
    ]);
  }
  const { pageId, conversationId, message, ...options } = fields as EnqueueItem;
  try {
    return await producer.enqueueMessage({ pageId, conversationId, message }, options);
  } catch (error) {
    if (error instanceof KitechatSenderError) return error;
    throw error;
  }
}

function problemsOf(error: Error): string[] {
  if (!(error instanceof InvalidMessageError)) return [error.message];
  // On a line the options stand beside the fields of the request.
  return error.issues.map(({ path, message }) => `${path.replace(/^options\./, '')} ${message}`.trim());
}

function summarize({ stderr }: CommandContext, { stored, duplicates, refused }: Tally): void {
  line(stderr, `stored ${stored}, already there ${duplicates}, refused ${refused}`);
}

async function* batchesOf(lines: AsyncIterable<string>): AsyncGenerator<Line[]> {
  let number = 0;
  let batch: Line[] = [];
  for await (const raw of lines) {
    number += 1;
    const text = number === 1 ? raw.replace(/^\uFEFF/, '') : raw;
    if (text.trim() !== '') batch.push({ number, text });
    if (batch.length < BATCH) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

async function openFile(path: string): Promise<Readable> {
  try {
    const handle = await open(path);
    if ((await handle.stat()).isDirectory()) throw new Error('it is a directory');
    return handle.createReadStream();
  } catch {
    throw new ConfigError([`${path}: can't be read; name a file with one message per line, or leave it out for stdin`]);
  }
}
