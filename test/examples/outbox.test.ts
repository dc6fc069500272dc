import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Pool } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { openPostgresStore } from '../../bench/stage/postgres-store.ts';
import type { Store } from '../../bench/stage/stores.ts';
import type { CommandProcess } from '../support/command-line.ts';
import { eventually } from '../support/eventually.ts';
import { setStage, type Stage } from './support/stage.ts';

const schema = readFileSync(join(inject('examples'), 'outbox/schema.sql'), 'utf8');

let postgres: Store;
let database: Pool;

beforeAll(async () => {
  postgres = await openPostgresStore();
  database = new Pool({ connectionString: postgres.url });
  await database.query(schema);
});

afterAll(async () => {
  await database.end();
  await postgres[Symbol.asyncDispose]();
});

beforeEach(async () => {
  await database.query('TRUNCATE orders, outbox RESTART IDENTITY');
});

async function count(table: 'orders' | 'outbox'): Promise<number> {
  const { rows } = await database.query<{ count: string }>(`SELECT count(*) FROM ${table}`);
  return Number(rows[0]?.count);
}

async function placeOrder(stage: Stage, customer: string, cents: number): Promise<number | NodeJS.Signals> {
  const args = [customer, String(cents)];
  return (await stage.run('outbox/place-order.ts', args, { DATABASE_URL: postgres.url })).exitCode;
}

async function startRelay(stage: Stage): Promise<CommandProcess> {
  const relay = stage.start('outbox/relay.ts', [], { DATABASE_URL: postgres.url });
  await relay.lineWhere('stderr', (line) => line === 'relaying');
  return relay;
}

/** Adds a row for each, numbered from there on. */
async function addRows(conversations: readonly string[], from = 0): Promise<void> {
  for (const [n, conversation] of conversations.entries()) {
    await addRow(conversation, { type: 'text', text: `${conversation} ${from + n}` });
  }
}

async function addRow(conversation: string, message: object): Promise<void> {
  await database.query(`INSERT INTO outbox (page_id, conversation_id, message) VALUES ('p1', $1, $2)`, [
    conversation,
    JSON.stringify(message),
  ]);
}

async function untilEmpty(): Promise<void> {
  await eventually('the outbox is empty', async () => (await count('outbox')) === 0);
}

describe('examples/outbox', () => {
  it('sends the message of an order that was placed, and none for one that was not', async () => {
    await using stage = await setStage();
    await stage.startWorker();
    const relay = await startRelay(stage);
    expect(await placeOrder(stage, 'c1', 1999)).toBe(0);
    expect(await placeOrder(stage, 'c1', -1)).toBe(1);
    await stage.api.waitForAccepted(1);
    await untilEmpty();
    expect(await count('orders')).toBe(1);
    expect(stage.api.accepted.map(({ message }) => message.text)).toEqual(['Thank you for order 1.']);
    relay.kill('SIGTERM');
    expect(await relay.ended()).toBe(0);
  });

  it('sends once what a relay handed over before it was killed', async () => {
    await using stage = await setStage();
    await stage.startWorker();
    await addRows(['c1', 'c2']);
    // The relay can hand the rows over, but not remove them.
    const blocker = await database.connect();
    await blocker.query('BEGIN');
    await blocker.query('SELECT * FROM outbox FOR UPDATE');
    const killed = await startRelay(stage);
    await stage.api.waitForAccepted(2);
    killed.kill('SIGKILL');
    await killed.ended();
    await blocker.query('ROLLBACK');
    blocker.release();
    expect(await count('outbox')).toBe(2);

    await startRelay(stage);
    await untilEmpty();
    // A second one of these would come before what comes now.
    await addRows(['c1', 'c2'], 2);
    await eventually('the last ones have come', () =>
      stage.api.accepted.some(({ message }) => message.text === 'c1 2'),
    );
    await eventually('the last ones have come', () =>
      stage.api.accepted.some(({ message }) => message.text === 'c2 3'),
    );
    expect(stage.api.report()).toMatchObject({ accepted: 4, outOfOrder: { count: 0 }, duplicates: { count: 0 } });
  });

  it('keeps the order of each conversation through an outage of Redis', async () => {
    await using stage = await setStage();
    const relay = await startRelay(stage);
    await stage.redis.kill();
    await addRows(['c1', 'c2', 'c1', 'c1', 'c2']);
    await relay.lineWhere('stderr', (line) => !line.includes(' 0 waiting') && line.includes(' waiting'));
    await stage.redis.restart();
    await untilEmpty();
    await stage.startWorker();
    await stage.api.waitForAccepted(5);
    const ofFirst = stage.api.accepted.filter(({ conversationId }) => conversationId === 'c1');
    expect(ofFirst.map(({ message }) => message.text)).toEqual(['c1 0', 'c1 2', 'c1 3']);
    expect(stage.api.report()).toMatchObject({ accepted: 5, outOfOrder: { count: 0 }, duplicates: { count: 0 } });
  });

  it('puts aside a row that is no message, and goes on with the others', async () => {
    await using stage = await setStage();
    await addRow('c1', { type: 'text', txt: 'a typo' });
    await addRows(['c1', 'c2']);
    await startRelay(stage);
    await stage.startWorker();
    await stage.api.waitForAccepted(2);
    await eventually('only the refused row is left', async () => (await count('outbox')) === 1);
    const { rows } = await database.query<{ refused: string }>('SELECT refused FROM outbox');
    expect(rows[0]?.refused).toContain('message.txt');
  });
});
