// @ts-check
/**
 * Hooks for the command `worker`, without a program of your own. Leave out the ones that you don't need.
 *
 *   CRM_URL=http://127.0.0.1:4020 kitechat-sender worker --hooks examples/hooks/hooks.mjs
 */

const { CRM_URL, PAGE_KEYS = '{}' } = process.env;
const keys = /** @type {Record<string, string>} */ (JSON.parse(PAGE_KEYS));

/** @type {import('kitechat-sender/worker').ResolveApiKey} */
export const resolveApiKey = (pageId) => keys[pageId];

/**
 * Asks the CRM right before a campaign's message is sent. If the CRM doesn't answer, nothing is sent, and the message is tried again.
 *
 * @type {import('kitechat-sender/worker').BeforeSend}
 */
export const beforeSend = async ({ conversationId, label }) => {
  if (!label?.startsWith('campaign-')) return undefined;
  const url = new URL(`conversations/${encodeURIComponent(conversationId)}`, CRM_URL);
  const response = await fetch(url, { signal: AbortSignal.timeout(2000) });
  if (!response.ok) throw new Error('the CRM has failed');
  const { optedOut, agentIsWriting } = /** @type {Record<string, unknown>} */ (await response.json());
  // The message becomes a dead letter, so that somebody sees that it was not sent.
  if (optedOut) return { outcome: 'rejected' };
  // The message waits, and with it only its conversation.
  return agentIsWriting ? { outcome: 'held', forMs: 30_000 } : undefined;
};

/** @type {import('kitechat-sender/worker').ClassifyResponse} */
export const classifyResponse = ({ httpStatus, contentType, body }) => {
  if (httpStatus !== 200 || !contentType?.includes('json')) return undefined;
  const { status, resetInMs } = /** @type {{ status?: unknown; resetInMs?: number }} */ (JSON.parse(body));
  // The page has used up its quota: all its conversations wait until the API counts anew.
  if (status === 'quota') return { outcome: 'held', scope: 'page', forMs: resetInMs };
  // An agent has locked the conversation; others go on.
  if (status === 'locked') return { outcome: 'held', scope: 'conversation', forMs: 60_000 };
  return undefined;
};
