import { createHash } from 'node:crypto';
import { mkdir, open, readdir, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { LedgerUnavailableError } from '../errors/errors.ts';
import { describeSafely } from '../errors/safe-cause.ts';
import type { EventRecord, SettledEvent } from '../model/event.ts';
import { answers, DAY_MS, dayOf, newestFirst, readEvent, startOf, timeOf } from './kept-event.ts';
import type { Ledger, LedgerQuestion } from './ledger.ts';
import { appendLines, linesWith } from './lines.ts';
import { parseJson } from '../validation/parse-json.ts';

/**
 * The files of a day. With more of them a conversation is read faster, and a batch of events has more files to bring to the disk; the
 * figures are in docs/performance.md.
 */
const BUCKETS = 256;
/** The most days that are read at once, for a conversation that is seldom spoken in. */
const MOST_DAYS_AT_ONCE = 16;

export interface FolderLedgerOptions {
  /** The installation: several of them may share a folder. */
  namespace: string;
}

/**
 * A ledger of files: `<folder>/<namespace>/2026-11-30/3f.ndjson`, an event a line. A file has the events of one day (UTC) of those
 * conversations whose hash begins alike. An event that was written twice is read once, and what is no event is skipped.
 */
export function openFolderLedger(folder: string, { namespace }: FolderLedgerOptions): Ledger {
  const root = resolve(folder, folderNameOf(namespace));

  return {
    write: (events) => told('written', () => write(root, events)),
    read: (question) => told('read', () => readIn(folder, root, question)),
    expire: (beforeMs) => told('tidied', () => expire(root, beforeMs)),
    close: () => Promise.resolve(),
  };
}

/** Namespaces consist of characters that file names may have; only those of dots alone mean other folders. */
function folderNameOf(namespace: string): string {
  return /^\.+$/.test(namespace) ? namespace.replaceAll('.', '%2E') : namespace;
}

async function told<T>(done: 'written' | 'read' | 'tidied', work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const { code, name } = describeSafely(cause);
    throw new LedgerUnavailableError(`its folder could not be ${done} (${code ?? name})`, { cause });
  }
}

async function write(root: string, events: readonly EventRecord[]): Promise<void> {
  const batches = new Map<string, string[]>();
  for (const event of events) {
    const path = join(root, dayOf(timeOf(event)), fileOf(event));
    const lines = batches.get(path);
    if (lines) lines.push(JSON.stringify(event));
    else batches.set(path, [JSON.stringify(event)]);
  }
  for (const day of new Set([...batches.keys()].map((path) => dirname(path)))) await makeFolder(day);
  const appended = [...batches].map(async ([path, lines]) => ((await appendLines(path, lines)) ? dirname(path) : null));
  const changed = new Set((await Promise.all(appended)).filter((day) => day !== null));
  for (const day of changed) await syncFolder(day);
}

/** Creates a folder and those above it; their names are on the disk when it returns. */
async function makeFolder(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  for (let created = path; created.length >= first.length; created = dirname(created)) {
    await syncFolder(dirname(created));
  }
}

async function syncFolder(path: string): Promise<void> {
  // Windows can't open folders, and brings names to the disk by itself.
  if (process.platform === 'win32') return;
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** A folder that is not there is a wrong setting; one without this installation has no event of it yet. */
async function readIn(folder: string, root: string, question: LedgerQuestion): Promise<SettledEvent[]> {
  await stat(folder);
  return await read(root, question);
}

async function read(root: string, question: LedgerQuestion): Promise<SettledEvent[]> {
  const { beforeMs = Infinity, limit } = question;
  const days = (await daysIn(root)).filter(({ startMs }) => startMs <= beforeMs).toReversed();
  const found: SettledEvent[] = [];
  let atOnce = 1;
  for (let next = 0; next < days.length && found.length < limit;) {
    const some = days.slice(next, next + atOnce);
    const ofDays = await Promise.all(some.map(async ({ name }) => await readDay(join(root, name), question)));
    found.push(...ofDays.flat());
    next += atOnce;
    atOnce = Math.min(2 * atOnce, MOST_DAYS_AT_ONCE);
  }
  return found.slice(0, limit);
}

async function readDay(day: string, question: LedgerQuestion): Promise<SettledEvent[]> {
  // As `write` has written it. Inside a text of the event, such as a message, the quotes would be escaped.
  const needle = `"conversationId":${JSON.stringify(question.conversationId)}`;
  const events = new Map<string, SettledEvent>();
  for (const line of await linesWith(join(day, fileOf(question)), needle)) {
    const event = readEvent(parseJson(line));
    if (event !== null && answers(event, question)) events.set(event.id, event);
  }
  return [...events.values()].toSorted(newestFirst);
}

async function expire(root: string, beforeMs: number): Promise<number> {
  const ended = (await daysIn(root)).filter(({ startMs }) => startMs + DAY_MS <= beforeMs);
  for (const { name } of ended) await rm(join(root, name), { recursive: true, force: true });
  return ended.length;
}

/** The days that the ledger has, the oldest first. */
async function daysIn(root: string): Promise<{ name: string; startMs: number }[]> {
  const names = await readdir(root).catch((error: unknown) => {
    if (describeSafely(error).code === 'ENOENT') return [];
    throw error;
  });
  const days = names.flatMap((name) => {
    const startMs = startOf(name);
    return startMs === null ? [] : [{ name, startMs }];
  });
  return days.toSorted((a, b) => a.startMs - b.startMs);
}

/** Events without a conversation, as those about a gap, are in a file, too. */
function fileOf(of: EventRecord | LedgerQuestion): string {
  const conversation = 'pageId' in of ? [of.pageId, of.conversationId] : [null, null];
  const [first = 0] = createHash('sha256').update(JSON.stringify(conversation)).digest();
  return `${(first % BUCKETS).toString(16).padStart(2, '0')}.ndjson`;
}
