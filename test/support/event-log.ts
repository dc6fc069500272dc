import { type EventRecord, type EventsOptions, openEvents, type ReceivedEvent } from '../../src/events/index.ts';
import type { RedisClient } from '../../src/shared/redis/cluster.ts';
import { eventually } from './eventually.ts';

/** A consumer of events that keeps what it got. */
export interface EventLog extends AsyncDisposable {
  /** What came, in order. */
  events: EventRecord[];
  /** The same, with the functions that acknowledge. */
  received: ReceivedEvent[];
  /** Waits until this number of events came. */
  until(count: number): Promise<EventRecord[]>;
  close(): Promise<void>;
}

/** Opens a group. Returns when the group is there in all shards, so that each event after that comes. */
export async function openEventLog(
  redis: RedisClient,
  options: EventsOptions,
  { acknowledges = true }: { acknowledges?: boolean } = {},
): Promise<EventLog> {
  const events: EventRecord[] = [];
  const received: ReceivedEvent[] = [];
  const opened = openEvents(options);
  const reading = (async () => {
    for await (const event of opened) {
      const { ack, ...record } = event;
      events.push(record);
      received.push(event);
      if (acknowledges) await ack();
    }
  })();
  const close = async (): Promise<void> => {
    await opened.close();
    await reading;
  };
  for (let index = 0; index < (options.shards ?? 1); index += 1) {
    const readers = `{${options.namespace}:${index}}:readers`;
    await eventually('the group is there', async () => (await redis.hexists(readers, `seen:${options.group}`)) === 1);
  }
  return {
    events,
    received,
    until: async (count) => await eventually(`${count} events`, () => events.length >= count && events),
    close,
    [Symbol.asyncDispose]: close,
  };
}
