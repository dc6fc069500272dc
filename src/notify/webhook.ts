import type { EventRecord } from '../shared/model/event.ts';

/** An event as its receiver gets it. */
export interface Webhook {
  /** The same for each attempt, so that the receiver can tell a repetition. */
  id: string;
  /** The type in the field's form: `message.delivered`. */
  type: string;
  body: string;
}

/** Header values are limited to few characters, and what is stored in Redis is not. */
const UNSAFE = /[^\w.-]/g;
const MAX_ID_LENGTH = 256;

/** Returns the payload of an event, as the Standard Webhooks specification recommends: `type`, `timestamp` and `data`. */
export function webhookOf({ type: settled, ...data }: EventRecord): Webhook {
  const type = settled === 'gap' ? 'events.gap' : `message.${settled}`;
  return {
    id: data.id.replaceAll(UNSAFE, '_').slice(0, MAX_ID_LENGTH),
    type,
    body: JSON.stringify({ type, timestamp: data.at, data }),
  };
}
