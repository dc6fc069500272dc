import {
  BulkEnqueueError,
  type BulkEnqueueResult,
  type EnqueueItem,
  IdempotencyConflictError,
  InvalidMessageError,
  type Producer,
} from 'kitechat-sender';
import type { Pool } from 'pg';

const BATCH = 500;
/** The id of the lock: any number that other users of the database don't lock. */
const RELAY_LOCK = 4711;

interface Row {
  id: string;
  page_id: string;
  conversation_id: string;
  message: EnqueueItem['message'];
}

/**
 * The first row of each conversation. A row that can't be stored now then delays only later rows of its own conversation, and
 * none of them can overtake it.
 */
const HEADS = `
  SELECT id, page_id, conversation_id, message
  FROM (
    SELECT DISTINCT ON (page_id, conversation_id) * FROM outbox
    WHERE refused IS NULL ORDER BY page_id, conversation_id, id
  ) AS heads
  ORDER BY id LIMIT ${BATCH}`;

/**
 * Stores one batch in the queue and removes the stored rows. After a crash in between, the rows are stored again, and their
 * idempotency keys make sure that nothing is sent twice.
 *
 * @returns the number of rows that were stored, put aside, and could not be stored now
 */
export async function relayOnce(
  database: Pool,
  producer: Producer,
): Promise<{ stored: number; refused: number; left: number }> {
  const client = await database.connect();
  let broken: Error | undefined;
  try {
    await client.query('BEGIN');
    // Two relays at once could change the order. PostgreSQL releases the lock when this process ends, however it ends.
    await client.query('SELECT pg_advisory_xact_lock($1)', [RELAY_LOCK]);
    const { rows } = await client.query<Row>(HEADS);
    const results = rows.length === 0 ? [] : await enqueue(producer, rows);
    const stored = rows.filter((_, index) => 'id' in (results[index] ?? {}));
    const refused = rows.flatMap(({ id }, index) => {
      const why = whyRefused(results[index]);
      return why === null ? [] : [{ id, why }];
    });
    await client.query('DELETE FROM outbox WHERE id = ANY($1)', [stored.map(({ id }) => id)]);
    for (const { id, why } of refused) await client.query('UPDATE outbox SET refused = $2 WHERE id = $1', [id, why]);
    await client.query('COMMIT');
    return {
      stored: stored.length,
      refused: refused.length,
      left: rows.length - stored.length - refused.length,
    };
  } catch (error) {
    broken = error instanceof Error ? error : new Error(String(error));
    throw error;
  } finally {
    // Closing a connection in the middle of a transaction ends the transaction.
    client.release(broken);
  }
}

async function enqueue(producer: Producer, rows: readonly Row[]): Promise<BulkEnqueueResult[]> {
  try {
    return await producer.enqueueMessages(rows.map(itemOf));
  } catch (error) {
    if (error instanceof BulkEnqueueError) return [...error.results];
    // A single invalid row prevents the whole batch from being stored: find that row.
    if (error instanceof InvalidMessageError) return await enqueueEach(producer, rows);
    throw error;
  }
}

async function enqueueEach(producer: Producer, rows: readonly Row[]): Promise<BulkEnqueueResult[]> {
  const results: BulkEnqueueResult[] = [];
  for (const row of rows) {
    const { idempotencyKey, ...request } = itemOf(row);
    try {
      results.push(await producer.enqueueMessage(request, { idempotencyKey }));
    } catch (error) {
      if (!(error instanceof InvalidMessageError || error instanceof IdempotencyConflictError)) throw error;
      results.push({ error });
    }
  }
  return results;
}

function itemOf({ id, page_id: pageId, conversation_id: conversationId, message }: Row): EnqueueItem {
  return { pageId, conversationId, message, idempotencyKey: `outbox-${id}` };
}

/** The reason why no later try can help; `null` if a later try can. */
function whyRefused(result: BulkEnqueueResult | undefined): string | null {
  if (result === undefined || !('error' in result)) return null;
  const { error } = result;
  return error instanceof InvalidMessageError || error instanceof IdempotencyConflictError ? error.message : null;
}
