import type { EnqueueItem } from '../../producer/index.ts';
import type { KitechatMessage } from '../../shared/model/message.ts';
import type { Fault } from '../../testing/index.ts';

const CONVERSATIONS = 60;
const PAGES = 4;
const MESSAGES_EACH = 10;

/** Parts of texts that the API never accepts. */
const HOPELESS = 'a text that the API refuses';
const UNLUCKY = 'a text that always meets an error';

/** Conversations with messages of six types; the number in every message is its place in its conversation. */
export function demoMessages(): EnqueueItem[] {
  const items: EnqueueItem[] = [];
  for (let place = 1; place <= MESSAGES_EACH; place += 1) {
    for (let conversation = 1; conversation <= CONVERSATIONS; conversation += 1) {
      items.push({
        pageId: `page-${1 + (conversation % PAGES)}`,
        conversationId: `conversation-${conversation}`,
        message: demoMessage(place, conversation),
      });
    }
  }
  return items;
}

/** Messages that become dead letters: refused ones, ones that fail in every attempt, and one that expires before it is taken. */
export function hopelessMessages(): EnqueueItem[] {
  return [
    ...[1, 2, 3].map((n) => hopeless(n, `${HOPELESS}: ${n}`)),
    ...[4, 5].map((n) => hopeless(n, `${UNLUCKY}: ${n}`)),
    { ...hopeless(6, 'a text that is too old: 6'), ttlMs: 1 },
  ];
}

function hopeless(n: number, text: string): EnqueueItem {
  return { pageId: 'page-1', conversationId: `hopeless-${n}`, message: { type: 'text', text }, label: 'hopeless' };
}

/**
 * The faults of the demo's API. None of them accepts a message without confirming it, so a duplicate would be a fault of the
 * sender.
 */
export function demoFaults(): Fault[] {
  return [
    { kind: 'status', status: 400, match: { textIncludes: HOPELESS } },
    { kind: 'status', status: 500, match: { textIncludes: UNLUCKY } },
    { kind: 'status', status: 500, rate: 0.1 },
    { kind: 'reset', when: 'before', rate: 0.06 },
    { kind: 'status', status: 429, retryAfter: 1, rate: 0.01 },
    { kind: 'latency', ms: 15 },
  ];
}

function demoMessage(place: number, conversation: number): KitechatMessage {
  const file = `https://files.example/${conversation}/${place}`;
  switch (place % 6) {
    case 0:
      return { type: 'text', text: `message ${place}` };
    case 1:
      return { type: 'image', url: `${file}.png`, text: `picture ${place}` };
    case 2:
      return { type: 'video', url: `${file}.mp4`, text: `film ${place}` };
    case 3:
      return { type: 'audio', url: `${file}.ogg`, text: `recording ${place}` };
    case 4:
      return { type: 'document', url: `${file}.pdf`, text: `document ${place}` };
    default:
      return {
        type: 'template',
        template: {
          body: `choice ${place}`,
          buttons: [{ type: 'quick_replies', text: 'Yes', payload: 'yes' }],
        },
      };
  }
}
