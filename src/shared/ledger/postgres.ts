import type * as Pg from 'pg';
import { ConfigError, LedgerUnavailableError } from '../errors/errors.ts';
import { describeSafely } from '../errors/safe-cause.ts';
import type { EventRecord, SettledEvent } from '../model/event.ts';
import { answers, dayOf, readEvent, timeOf } from './kept-event.ts';
import type { Ledger, LedgerQuestion } from './ledger.ts';
import { COLUMNS, nameOf, rowOf } from './postgres-row.ts';
import { makePartitions, removePartitions, TABLE } from './postgres-schema.ts';

const CONNECTIONS = 4;
const UNDEFINED_TABLE = '42P01';
/** A row has no partition, as after one was dropped. */
const CHECK_VIOLATION = '23514';

const INSERT = `
INSERT INTO ${TABLE} (namespace, ${COLUMNS})
SELECT $1, * FROM unnest(
  $2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::jsonb[], $10::json[])
ON CONFLICT DO NOTHING`;

/**
 * In the order of the index, so that as many entries are read as are asked for, in the newest partitions that have some. It has a name,
 * so that a connection plans it only the first times: with hundreds of partitions that takes longer than the reading.
 */
const STORY = {
  name: 'kitechat-story',
  text: `
SELECT event, request FROM ${TABLE}
WHERE namespace = $1 AND page_id = $2 AND conversation_id = $3 AND at <= $4 AND (at, id) < ($4, $5)
ORDER BY at DESC, id DESC LIMIT $6`,
};

export interface PostgresLedgerOptions {
  /** The installation: several of them may share a database. */
  namespace: string;
  /** The longest that a connection or a statement may take. */
  timeoutMs: number;
  /** Loads the package `pg`, which is installed only where it is needed. */
  load?: () => Promise<typeof Pg>;
}

/**
 * A ledger in PostgreSQL: the table `kitechat_events`, which the first call to `write` creates, with a partition for each day (UTC).
 *
 * @throws ConfigError if the package `pg` is not installed
 */
export async function openPostgresLedger(
  url: string,
  { namespace, timeoutMs, load = loadPg }: PostgresLedgerOptions,
): Promise<Ledger> {
  const { Pool } = await loaded(load);
  const pool = new Pool({
    connectionString: url,
    application_name: 'kitechat-sender',
    max: CONNECTIONS,
    connectionTimeoutMillis: timeoutMs,
    query_timeout: timeoutMs,
    keepAlive: true,
    allowExitOnIdle: true,
  });
  // An idle connection was lost: the next call opens another one.
  pool.on('error', () => {});
  /** The days whose partitions exist. */
  const made = new Set<string>();

  return {
    write: (events) => told('written', () => write(events)),
    read: (question) => told('read', () => read(question)),
    expire: (beforeMs) => told('tidied', () => expire(beforeMs)),
    close: () => pool.end(),
  };

  async function write(events: readonly EventRecord[]): Promise<void> {
    if (events.length === 0) return;
    await makeMissing(events);
    try {
      await insert(events);
    } catch (error) {
      if (!isWithoutPartition(error)) throw error;
      made.clear();
      await makeMissing(events);
      await insert(events);
    }
  }

  async function makeMissing(events: readonly EventRecord[]): Promise<void> {
    const days = [...new Set(events.map((event) => dayOf(timeOf(event))))].filter((day) => !made.has(day));
    if (days.length === 0) return;
    await withClient((client) => makePartitions(client, days));
    for (const day of days) made.add(day);
  }

  async function insert(events: readonly EventRecord[]): Promise<void> {
    const rows = events.map((event) => rowOf(event));
    const columns = COLUMNS.split(',').map((_name, index) => rows.map((row) => row[index]));
    // One statement, so that all of it is committed when the answer comes.
    await pool.query(INSERT, [namespace, ...columns]);
  }

  async function read(question: LedgerQuestion): Promise<SettledEvent[]> {
    const { pageId, conversationId, beforeMs, beforeId = '', limit } = question;
    const before = beforeMs === undefined ? 'infinity' : new Date(beforeMs).toISOString();
    const values = [namespace, nameOf(pageId), nameOf(conversationId), before, beforeId, limit];
    const rows = await rowsOf(values);
    return rows.flatMap(({ event, request }) => {
      const kept = readEvent(request === null ? event : { ...event, request });
      return kept !== null && answers(kept, question) ? [kept] : [];
    });
  }

  /** None if no ledger has written yet. */
  async function rowsOf(values: unknown[]): Promise<{ event: object; request: object | null }[]> {
    try {
      return (await pool.query<{ event: object; request: object | null }>({ ...STORY, values })).rows;
    } catch (error) {
      if (describeCode(error) === UNDEFINED_TABLE) return [];
      throw error;
    }
  }

  async function expire(beforeMs: number): Promise<number> {
    const removed = await withClient((client) => removePartitions(client, namespace, beforeMs));
    made.clear();
    return removed;
  }

  async function withClient<T>(work: (client: Pg.PoolClient) => Promise<T>): Promise<T> {
    const client = await pool.connect();
    try {
      const result = await work(client);
      client.release();
      return result;
    } catch (error) {
      // What state it is in is not known.
      client.release(true);
      throw error;
    }
  }
}

/** An app without a ledger in PostgreSQL need not have the package, so bundlers must not look for it: they see no name, and the marks. */
async function loadPg(name = 'pg'): Promise<typeof Pg> {
  return (await import(/* webpackIgnore: true */ /* turbopackIgnore: true */ /* @vite-ignore */ name)) as typeof Pg;
}

async function loaded(load: () => Promise<typeof Pg>): Promise<typeof Pg> {
  try {
    return await load();
  } catch (cause) {
    const { code } = describeSafely(cause);
    const isMissing = code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND';
    const problem = isMissing ? 'is not installed' : `can't be loaded (${code ?? 'no code'})`;
    throw new ConfigError([
      `KITECHAT_LEDGER: names a PostgreSQL, and the package pg, which that needs, ${problem}: run "npm install pg" where kitechat-sender is installed`,
    ]);
  }
}

function isWithoutPartition(error: unknown): boolean {
  return [CHECK_VIOLATION, UNDEFINED_TABLE].includes(describeCode(error) ?? '');
}

async function told<T>(done: 'written' | 'read' | 'tidied', work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw new LedgerUnavailableError(`PostgreSQL could not be ${done} (${describeCode(cause) ?? 'no answer'})`, {
      cause,
    });
  }
}

/** The code of PostgreSQL's or the system's error. Its text may hold values of events. */
function describeCode(error: unknown): string | undefined {
  const code: unknown = typeof error === 'object' && error !== null ? Reflect.get(error, 'code') : undefined;
  return typeof code === 'string' && /^[A-Z0-9_]{1,40}$/.test(code) ? code : undefined;
}
