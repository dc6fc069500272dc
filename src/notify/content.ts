import type { EventRecord } from '../shared/model/event.ts';
import { openRequest } from '../shared/sealing/content.ts';
import type { Sealing } from '../shared/sealing/sealing.ts';
import type { WorkerLogger } from '../shared/worker-logger.ts';

/** Prepares an event for its receiver. */
export type PrepareEvent = (event: EventRecord) => EventRecord;

/** Leaves the content of messages out. */
export const withoutContent: PrepareEvent = (event) => {
  if (!('request' in event)) return event;
  const { request: _, ...others } = event;
  return others;
};

/** Returns a function that decrypts the content of messages. Content that can't be decrypted here is left out, with a warning. */
export function withContent(sealing: Sealing, logger: WorkerLogger): PrepareEvent {
  return (event) => {
    if (event.type === 'gap' || event.request === undefined) return event;
    const opened = openRequest(sealing, event.messageId, event.request);
    if ('request' in opened) return { ...event, request: opened.request };
    logger.warn(
      { eventId: event.id, messageId: event.messageId, problem: opened.problem },
      'the webhook leaves out the content of the message, because it can not be decrypted here',
    );
    return withoutContent(event);
  };
}
