import type { ClientBase } from 'pg';
import { DAY_MS, dayOf, startOf } from './kept-event.ts';

/** The table with the events, partitioned by day (UTC). */
export const TABLE = 'kitechat_events';
/** Who changes the table or its partitions holds this lock, so that several ledgers can start at once. Any number that others don't use. */
const CHANGE_LOCK = 7_241_553_071;
/** Whoever reads for longer must not make everybody else wait who comes after us in the queue for a lock. */
const LOCK_TIMEOUT = '5s';

const CREATE_TABLE = `
CREATE TABLE ${TABLE} (
  namespace       text NOT NULL,
  at              timestamptz NOT NULL,
  id              text COLLATE "C" NOT NULL,
  type            text NOT NULL,
  message_id      text,
  page_id         text,
  conversation_id text,
  label           text,
  event           jsonb NOT NULL,
  request         json,
  PRIMARY KEY (namespace, id, at)
) PARTITION BY RANGE (at);
CREATE INDEX ${TABLE}_story ON ${TABLE} (namespace, page_id, conversation_id, at DESC, id DESC)`;

/** Runs `work` in a transaction of the only ledger that changes tables. */
async function changing<T>(client: ClientBase, work: () => Promise<T>): Promise<T> {
  await client.query('BEGIN');
  try {
    await client.query(`SET LOCAL lock_timeout = '${LOCK_TIMEOUT}'`);
    await client.query('SELECT pg_advisory_xact_lock($1)', [CHANGE_LOCK]);
    const result = await work();
    await client.query('COMMIT');
    return result;
  } catch (error) {
    // The connection may be lost, and with it the transaction.
    await client.query('ROLLBACK').catch(() => {});
    throw error;
  }
}

async function exists(client: ClientBase, name: string): Promise<boolean> {
  const { rows } = await client.query<{ found: boolean }>('SELECT to_regclass($1) IS NOT NULL AS found', [name]);
  return rows[0]?.found === true;
}

/** Creates the table if there is none, and the partitions of these days that are missing. */
export async function makePartitions(client: ClientBase, days: readonly string[]): Promise<void> {
  await changing(client, async () => {
    // Not "CREATE TABLE IF NOT EXISTS", which asks for the right to create tables even if there is nothing to create.
    if (!(await exists(client, TABLE))) await client.query(CREATE_TABLE);
    for (const day of days) await makePartition(client, day);
  });
}

async function makePartition(client: ClientBase, day: string): Promise<void> {
  const name = partitionOf(day);
  if (await exists(client, name)) return;
  const next = dayOf((startOf(day) ?? 0) + DAY_MS);
  // Not "PARTITION OF", which waits until nobody reads the table.
  await client.query(`CREATE TABLE ${name} (LIKE ${TABLE} INCLUDING DEFAULTS)`);
  await client.query(
    `ALTER TABLE ${TABLE} ATTACH PARTITION ${name} FOR VALUES FROM ('${day} 00:00:00+00') TO ('${next} 00:00:00+00')`,
  );
}

function partitionOf(day: string): string {
  return `${TABLE}_${day.replaceAll('-', '')}`;
}

/** Removes the events of an installation in the partitions that ended before a time. @returns how many partitions had some */
export async function removePartitions(client: ClientBase, namespace: string, beforeMs: number): Promise<number> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = to_regclass($1)`,
    [TABLE],
  );
  let removed = 0;
  for (const { name } of rows.filter((row) => hasEnded(row.name, beforeMs))) {
    if (await changing(client, () => removePartition(client, name, namespace))) removed += 1;
  }
  return removed;
}

function hasEnded(partition: string, beforeMs: number): boolean {
  const [, year, month, day] = /_(\d{4})(\d\d)(\d\d)"?$/.exec(partition) ?? [];
  const startMs = startOf(`${year}-${month}-${day}`);
  return startMs !== null && startMs + DAY_MS <= beforeMs;
}

/** Drops a partition, unless another installation has events in it: then only those of this one are deleted. */
async function removePartition(client: ClientBase, name: string, namespace: string): Promise<boolean> {
  // Before the partition: in the order of all others.
  await client.query(`LOCK TABLE ONLY ${TABLE} IN ACCESS EXCLUSIVE MODE`);
  const { rows } = await client.query<{ first: string | null; last: string | null }>(
    `SELECT min(namespace) AS first, max(namespace) AS last FROM ${name}`,
  );
  const { first = null, last = null } = rows[0] ?? {};
  const isShared = [first, last].some((other) => other !== null && other !== namespace);
  if (!isShared) {
    await client.query(`DROP TABLE ${name}`);
    return true;
  }
  const { rowCount } = await client.query(`DELETE FROM ${name} WHERE namespace = $1`, [namespace]);
  return (rowCount ?? 0) > 0;
}
