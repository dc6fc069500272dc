import type { EventRecord, SettledEvent, SettledType } from '../../src/events/index.ts';

/** A message that was stored, and what became of it as Redis and the API say. */
export interface EndedMessage {
  id: string;
  conversation: string;
  /** Its place in the order in which the messages of its conversation were stored. */
  place: number;
  end: Extract<SettledType, 'delivered' | 'dead' | 'cancelled'>;
}

/** What a group was told, compared with what became of the messages. */
export interface EventsOutcome {
  /** Ends that nobody was told. */
  lost: string[];
  /** Events about ends that there were not. */
  invented: string[];
  /** Events that came first after a later end of their conversation. */
  disordered: string[];
  /** Events that came again with another id. */
  renamed: string[];
  /** Number of events that came again. */
  again: number;
}

export function compareEvents(messages: readonly EndedMessage[], events: readonly EventRecord[]): EventsOutcome {
  const byId = new Map(messages.map((message) => [message.id, message]));
  const first = new Map<string, SettledEvent>();
  const last = new Map<string, { atMs: number; place: number }>();
  const outcome: EventsOutcome = { lost: [], invented: [], disordered: [], renamed: [], again: 0 };
  for (const event of events) {
    const message = event.type === 'gap' ? undefined : byId.get(event.messageId);
    if (event.type === 'gap' || message?.end !== event.type) {
      outcome.invented.push(event.id);
      continue;
    }
    const before = first.get(event.messageId);
    if (before) {
      outcome.again += 1;
      if (before.id !== event.id) outcome.renamed.push(`${before.id}, ${event.id}`);
      continue;
    }
    first.set(event.messageId, event);
    // A cancelled message ends before its turn, and perhaps while the settlement of an earlier one is on its way.
    if (event.type === 'cancelled') continue;
    const { conversation, place } = message;
    const atMs = Date.parse(event.at);
    const latest = last.get(conversation) ?? { atMs: 0, place: -1 };
    if (atMs < latest.atMs || place < latest.place) outcome.disordered.push(event.id);
    last.set(conversation, { atMs, place });
  }
  outcome.lost = messages.filter(({ id }) => !first.has(id)).map(({ id, end }) => `${id}.${end}`);
  return outcome;
}

/** What a scenario reports as violated. */
export function eventViolationsOf({ lost, invented, disordered, renamed }: EventsOutcome): string[] {
  return Object.entries({ lost, invented, disordered, renamed })
    .filter(([, events]) => events.length > 0)
    .map(([name, events]) => `events ${name}: ${events.length}, such as ${events.slice(0, 3).join(', ')}`);
}
