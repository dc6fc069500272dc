import { Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { openPostgresStore } from '../../bench/stage/postgres-store.ts';
import type { Store } from '../../bench/stage/stores.ts';
import { ConfigError, LedgerUnavailableError } from '../../src/shared/errors/errors.ts';
import { serializeError } from '../../src/shared/errors/serialize-error.ts';
import type { Ledger } from '../../src/shared/ledger/ledger.ts';
import { openPostgresLedger } from '../../src/shared/ledger/postgres.ts';
import type { SettledEvent } from '../../src/shared/model/event.ts';
import { deliveredEvent } from '../support/settled-events.ts';

const conversation = { pageId: 'p1', conversationId: 'c1' };
const NOON = Date.UTC(2026, 10, 30, 12);
const DAY_MS = 86_400_000;
const TIMEOUT_MS = 30_000;

let server: Store;
let admin: Pool;
let databases = 0;

beforeAll(async () => {
  server = await openPostgresStore();
  admin = new Pool({ connectionString: server.url });
});

afterAll(async () => {
  await admin.end();
  await server[Symbol.asyncDispose]();
});

/** A database of its own, with ledgers and a pool that end with the test. */
async function newDatabase(): Promise<{ url: string; database: Pool; open(namespace?: string): Promise<Ledger> }> {
  const name = `ledger_${(databases += 1)}`;
  await admin.query(`CREATE DATABASE ${name}`);
  const url = new URL(server.url);
  url.pathname = name;
  const database = new Pool({ connectionString: url.href });
  onTestFinished(() => database.end());
  const open = async (namespace = 'kitechat'): Promise<Ledger> => {
    const ledger = await openPostgresLedger(url.href, { namespace, timeoutMs: TIMEOUT_MS });
    onTestFinished(() => ledger.close());
    return ledger;
  };
  return { url: url.href, database, open };
}

async function failureOf(work: Promise<unknown>): Promise<Error> {
  const error: unknown = await work.catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(LedgerUnavailableError);
  return error as Error;
}

async function partitionsIn(database: Pool): Promise<string[]> {
  const { rows } = await database.query<{ name: string }>(
    `SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'kitechat_events'::regclass ORDER BY 1`,
  );
  return rows.map(({ name }) => name);
}

describe('a ledger in PostgreSQL', () => {
  it('gives back the events of a conversation, newest first, and of no other one', async () => {
    const { open } = await newDatabase();
    const ledger = await open();
    expect(await ledger.read({ ...conversation, limit: 10 })).toEqual([]);
    const [first, second, third] = [0, 1, 2].map((n) => deliveredEvent(`m${n}`, { atMs: NOON + n * DAY_MS }));
    const others = [deliveredEvent('m3', { conversationId: 'c2' }), deliveredEvent('m4', { pageId: 'p2' })];
    await ledger.write([second, first, ...others] as SettledEvent[]);
    await ledger.write([third] as SettledEvent[]);
    expect(await ledger.read({ ...conversation, limit: 10 })).toEqual([third, second, first]);
    expect(await ledger.read({ ...conversation, limit: 2 })).toEqual([third, second]);
    expect(await ledger.read({ ...conversation, limit: 10, beforeMs: NOON + DAY_MS })).toEqual([first]);
  });

  it('goes on after an event among others of the same millisecond', async () => {
    const { open } = await newDatabase();
    const ledger = await open();
    await ledger.write(['a', 'B', 'c'].map((id) => deliveredEvent(id)));
    const [newest, ...others] = await ledger.read({ ...conversation, limit: 10 });
    expect([newest, ...others].map((event) => event?.messageId)).toEqual(['c', 'a', 'B']);
    expect(await ledger.read({ ...conversation, limit: 10, beforeMs: NOON, beforeId: newest?.id })).toEqual(others);
  });

  it('keeps an event once, however often it comes', async () => {
    const { open, database } = await newDatabase();
    const [ledger, other] = [await open(), await open()];
    const events = [deliveredEvent('m1'), deliveredEvent('m2')];
    await ledger.write([...events, ...events]);
    await other.write(events);
    const { rows } = await database.query('SELECT count(*)::int AS count FROM kitechat_events');
    expect(rows).toEqual([{ count: 2 }]);
  });

  it('lets many ledgers start at once, and write the first events of the same days', async () => {
    const { open, database } = await newDatabase();
    const ledgers = await Promise.all(Array.from({ length: 8 }, () => open()));
    await Promise.all(
      ledgers.map((ledger, nth) =>
        ledger.write([0, 1, 2].map((day) => deliveredEvent(`m${nth}-${day}`, { atMs: NOON + day * DAY_MS }))),
      ),
    );
    expect(await ledgers[0]?.read({ ...conversation, limit: 100 })).toHaveLength(24);
    expect(await partitionsIn(database)).toHaveLength(3);
  });

  it('keeps every text: of names, labels and content', async () => {
    const { open, database } = await newDatabase();
    const ledger = await open();
    const text = 'NUL \0, half a pair \ud800, "quotes", \\, {braces}, NULL, é 😀';
    const request = { ...conversation, message: { type: 'text' as const, text } };
    const odd = deliveredEvent('m1', { request });
    const hostile = deliveredEvent('m2', {
      label: text,
      pageId: `\0${'é'.repeat(512)}`,
      conversationId: 'x'.repeat(5000),
    });
    await ledger.write([odd, hostile, deliveredEvent('m3', { pageId: null, conversationId: null })]);
    expect(await ledger.read({ ...conversation, limit: 10 })).toEqual([odd]);
    const { rows } = await database.query(
      `SELECT event->>'label' AS label FROM kitechat_events WHERE message_id = 'm2'`,
    );
    expect(rows).toEqual([{ label: text.replaceAll(/[\0\ud800](?![\udc00-\udfff])/g, '\ufffd') }]);
  });

  it('keeps that events were lost', async () => {
    const { open, database } = await newDatabase();
    const ledger = await open();
    await ledger.write([
      { id: 'g', type: 'gap', at: new Date(NOON).toISOString(), group: 'ledger', shard: 0, lost: 7 },
    ]);
    const { rows } = await database.query(`SELECT type, event->'lost' AS lost FROM kitechat_events`);
    expect(rows).toEqual([{ type: 'gap', lost: 7 }]);
  });

  it('drops the partitions of old days, and of a shared one only its own rows', async () => {
    const { open, database } = await newDatabase();
    const [ledger, staging] = [await open(), await open('staging')];
    const events = [0, 1, 2].map((n) => deliveredEvent(`m${n}`, { atMs: NOON + n * DAY_MS }));
    await ledger.write(events);
    await staging.write(events.slice(1, 2));
    expect(await ledger.expire(NOON + 1.6 * DAY_MS)).toBe(2);
    expect(await partitionsIn(database)).toEqual(['kitechat_events_20261201', 'kitechat_events_20261202']);
    expect(await ledger.read({ ...conversation, limit: 10 })).toEqual(events.slice(2));
    expect(await staging.read({ ...conversation, limit: 10 })).toEqual(events.slice(1, 2));
    // Also one that another ledger has dropped.
    await ledger.write(events.slice(0, 1));
    expect(await staging.expire(NOON + 2 * DAY_MS)).toBe(1);
    expect(await ledger.read({ ...conversation, limit: 10 })).toEqual([events[2], events[0]]);
    await database.query('DROP TABLE kitechat_events_20261130');
    await ledger.write(events.slice(0, 1));
    expect(await ledger.read({ ...conversation, limit: 10 })).toEqual([events[2], events[0]]);
  });

  it('makes the partition of a new day while somebody reads the table for long', async () => {
    const { open, database } = await newDatabase();
    const ledger = await open();
    await ledger.write([deliveredEvent('m1')]);
    const reader = await database.connect();
    try {
      await reader.query('BEGIN');
      await reader.query('SELECT * FROM kitechat_events');
      await ledger.write([deliveredEvent('m2', { atMs: NOON + DAY_MS })]);
      await reader.query('COMMIT');
    } finally {
      reader.release();
    }
    expect(await partitionsIn(database)).toHaveLength(2);
  });

  it('is read by a user who may only read', async () => {
    const { open, url, database } = await newDatabase();
    const ledger = await open();
    await ledger.write([deliveredEvent('m1')]);
    await database.query(`CREATE ROLE ledger_reader LOGIN; GRANT SELECT ON kitechat_events TO ledger_reader`);
    const asReader = new URL(url);
    asReader.username = 'ledger_reader';
    const reader = await openPostgresLedger(asReader.href, { namespace: 'kitechat', timeoutMs: TIMEOUT_MS });
    onTestFinished(() => reader.close());
    await ledger.write([deliveredEvent('m2', { atMs: NOON + DAY_MS })]);
    expect(await reader.read({ ...conversation, limit: 10 })).toHaveLength(2);
    const failure = await failureOf(reader.write([deliveredEvent('m3')]));
    expect(failure.message).toContain('(42501)');
  });

  it('finds a conversation by the index', async () => {
    const { open, database } = await newDatabase();
    const ledger = await open();
    const many = Array.from({ length: 4000 }, (_, n) =>
      deliveredEvent(`m${n}`, { conversationId: `c${n % 400}`, atMs: NOON + (n % 4) * DAY_MS + n }),
    );
    await ledger.write(many);
    await database.query('ANALYZE kitechat_events');
    const { rows } = await database.query<{ 'QUERY PLAN': string }>(
      `EXPLAIN SELECT event FROM kitechat_events WHERE namespace = 'kitechat' AND page_id = 'p1' AND conversation_id = 'c1'
       AND at <= 'infinity' AND (at, id) < ('infinity', '') ORDER BY at DESC, id DESC LIMIT 5`,
    );
    const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
    expect(plan).not.toContain('Seq Scan');
    expect(plan).not.toContain('Sort');
  });

  it('refuses to write while nobody answers, and writes when somebody does', async () => {
    const { open, url, database } = await newDatabase();
    const ledger = await open();
    await ledger.write([deliveredEvent('m1')]);
    const name = new URL(url).pathname.slice(1);
    await admin.query(`ALTER DATABASE ${name} ALLOW_CONNECTIONS false`);
    await admin.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}'`);
    await failureOf(ledger.write([deliveredEvent('m2')]));
    await admin.query(`ALTER DATABASE ${name} ALLOW_CONNECTIONS true`);
    await ledger.write([deliveredEvent('m2')]);
    database.on('error', () => {});
    expect(await ledger.read({ ...conversation, limit: 10 })).toHaveLength(2);
  });

  it('tells neither the password nor what an event has', async () => {
    const url = 'postgres://somebody:SECRET@127.0.0.1:9/app';
    const ledger = await openPostgresLedger(url, { namespace: 'kitechat', timeoutMs: 1000 });
    onTestFinished(() => ledger.close());
    const failure = await failureOf(ledger.write([deliveredEvent('m1', { label: 'SECRET' })]));
    expect(failure.message).toContain('ECONNREFUSED');
    const told = [String(failure), failure.stack, JSON.stringify(serializeError(failure)), String(failure.cause)];
    expect(told.join('\n')).not.toContain('SECRET');
  });

  it('says what to install if the package pg is missing', async () => {
    const load = (): Promise<never> =>
      Promise.reject(Object.assign(new Error('not found'), { code: 'ERR_MODULE_NOT_FOUND' }));
    const opened = openPostgresLedger(server.url, { namespace: 'kitechat', timeoutMs: TIMEOUT_MS, load });
    await expect(opened).rejects.toBeInstanceOf(ConfigError);
    await expect(opened).rejects.toThrow('npm install pg');
  });
});
