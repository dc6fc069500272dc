/** A program that writes a line for each event of a group to stdout, acknowledges the event, and ends with SIGTERM. */
import { setTimeout as delay } from 'node:timers/promises';
import { type EventRecord, openEvents } from '../../src/events/index.ts';
import type { ConsumerOptions } from './events-consumer.ts';

const { thinkMs = 0, ...options } = JSON.parse(process.argv[2] ?? '') as ConsumerOptions;
const stopping = new AbortController();
process.once('SIGTERM', () => stopping.abort());

for await (const event of openEvents({ ...options, signal: stopping.signal, onError: () => {} })) {
  // Writing to a pipe is synchronous, so a kill does not lose the line.
  process.stdout.write(`${JSON.stringify(event satisfies EventRecord)}\n`);
  if (thinkMs > 0) await delay(Math.random() * 2 * thinkMs);
  await event.ack();
}
