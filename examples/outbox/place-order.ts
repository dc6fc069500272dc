/**
 * Places an order. The order and its message are written in one transaction: either both are stored, or neither.
 *
 *   node examples/outbox/place-order.ts c1 1999
 */
import { Client } from 'pg';

const [customer = '', cents = ''] = process.argv.slice(2);
const client = new Client({ connectionString: process.env['DATABASE_URL'] });
await client.connect();

try {
  await client.query('BEGIN');
  const { rows } = await client.query<{ id: string }>(
    'INSERT INTO orders (customer, cents) VALUES ($1, $2) RETURNING id',
    [customer, cents],
  );
  const order = rows[0]?.id ?? '';
  await client.query('INSERT INTO outbox (page_id, conversation_id, message) VALUES ($1, $2, $3)', [
    'p1',
    customer,
    JSON.stringify({ type: 'text', text: `Thank you for order ${order}.` }),
  ]);
  await client.query('COMMIT');
  console.log(`order ${order}`);
} catch (error) {
  await client.query('ROLLBACK');
  console.error(`Nothing was written: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
} finally {
  await client.end();
}
