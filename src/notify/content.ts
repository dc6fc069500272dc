import type { EventRecord, SettledEvent } from '../shared/model/event.ts';
import { openRequest } from '../shared/sealing/content.ts';
import type { Sealing } from '../shared/sealing/sealing.ts';
import type { WorkerLogger } from '../shared/logging/worker-logger.ts';

/** Prepares an event for its receiver. */
export type PrepareEvent = (event: EventRecord) => EventRecord;

/** Leaves the content of messages out. */
export const withoutContent: PrepareEvent = (event) => {
  if (!('request' in event)) return event;
  const { request: _, ...others } = event;
  return others;
};

/** A missing key concerns every event. */
const WARN_AGAIN_MS = 60_000;

/** Returns a function that decrypts the content of messages. Content that can't be decrypted here is left out, with a warning a minute. */
export function withContent(sealing: Sealing, logger: WorkerLogger): PrepareEvent {
  let warnedAt = -Infinity;
  return (event) => {
    if (event.type === 'gap' || event.request === undefined) return event;
    const opened = openRequest(sealing, event.messageId, event.request);
    if ('request' in opened) return { ...event, request: opened.request };
    if (performance.now() - warnedAt >= WARN_AGAIN_MS) {
      warnedAt = performance.now();
      warn(event, opened.problem);
    }
    return withoutContent(event);
  };

  function warn({ id: eventId, messageId }: SettledEvent, problem: string): void {
    logger.warn(
      { eventId, messageId, problem },
      'webhooks leave out the content of messages that can not be decrypted here',
    );
  }
}
