import { textMessage } from './messages.ts';
import type { Installation } from './worker.ts';

const HOUR_MS = 3_600_000;

/** A request of the conversation c1 of page p1. */
export const said = (text: string) => ({
  pageId: 'p1',
  conversationId: 'c1',
  message: { type: 'text' as const, text },
});

/** A conversation with a message of each kind. @returns their ids, the oldest first, by their texts */
export async function tellStory(to: Installation): Promise<Record<string, string>> {
  to.api.setFaults([
    { kind: 'status', status: 400, match: { textIncludes: 'refused' } },
    { kind: 'status', status: 500, times: 1, match: { textIncludes: 'again' } },
    { kind: 'status', status: 429, retryAfter: 600, match: { textIncludes: 'slowly' } },
  ]);
  const ids: Record<string, string> = {};
  const store = async (text: string, delayMs?: number): Promise<string> =>
    (ids[text] = await to.enqueue({ ...said(text), ...(delayMs === undefined ? {} : { delayMs }) }));
  await to.until(await store('first'), 'delivered');
  await to.enqueue(textMessage('c2', 1));
  await to.until(await store('refused'), 'dead');
  await to.until(await store('again'), 'delivered');
  await to.producer.cancelMessage(await store('called off', HOUR_MS));
  await store('tomorrow', 24 * HOUR_MS);
  await to.until(await store('slowly'), 'held');
  await store('last');
  await to.enqueue(textMessage('c1', 1, 'p2'));
  return ids;
}
