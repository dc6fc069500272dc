import type { EnqueueItem } from '../../producer/index.ts';
import type { KitechatMessage } from '../../shared/model/message.ts';
import type { Fault } from '../../testing/index.ts';

const CONVERSATIONS = 60;
const PAGES = 4;
const MESSAGES_EACH = 10;

/** What the API will never take, whatever is tried. */
const HOPELESS = 'a text that the API refuses';
const UNLUCKY = 'a text that always meets an error';

/** Conversations of six kinds of messages each; the number in every message is its place in its conversation. */
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

/** Messages that end in the dead letters: refused, tried in vain, and too old before a worker can take them. */
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
 * How the demo's API misbehaves. None of it makes the API take a message without saying so: what it takes twice would be
 * our mistake.
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
