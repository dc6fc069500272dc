import {
  createDelivery,
  type DeadWebhook,
  type Delivery,
  type Receiver,
  withoutContent,
} from '../../../src/notify/index.ts';
import type { ReceivedEvent } from '../../../src/shared/model/event.ts';

export interface LoggedLine {
  level: 'debug' | 'info' | 'warn' | 'error';
  fields: object;
  text: string;
}

export interface DeliveryOfTest extends Delivery {
  dead: DeadWebhook[];
  lines: LoggedLine[];
}

interface Options {
  events: AsyncIterable<ReceivedEvent>;
  receiver: Receiver;
  concurrency?: number;
  attempts?: number;
  bury?: (dead: DeadWebhook) => Promise<void>;
}

/** A delivery that waits for milliseconds where the real one waits for seconds. */
export function deliveryTo({ events, receiver, concurrency = 4, attempts = 3, bury }: Options): DeliveryOfTest {
  const dead: DeadWebhook[] = [];
  const lines: LoggedLine[] = [];
  const log =
    (level: LoggedLine['level']) =>
    (fields: object, text: string): void =>
      void lines.push({ level, fields, text });
  const delivery = createDelivery({
    events,
    receiver,
    bury: bury ?? (async (letter) => void dead.push(letter)),
    prepare: withoutContent,
    concurrency,
    attempts,
    backoff: { backoffMs: 1, backoffMaxMs: 4 },
    logger: { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') },
  });
  return Object.assign(delivery, { dead, lines });
}
