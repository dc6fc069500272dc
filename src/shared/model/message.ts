import { z } from 'zod';
import type { MessageIssue } from '../errors/errors.ts';
import { describeIssue, fields, issuesOf } from '../validation/issues.ts';
import { snapshot } from './plain-copy.ts';
import { httpUrl, opaqueText, requiredText } from '../validation/rules.ts';

const optionalText = z.string().optional();
const optionalUrl = httpUrl.optional();

const headerSchema = z.discriminatedUnion('type', [
  fields({ type: z.literal('text'), text: requiredText, url: optionalUrl }),
  fields({ type: z.literal(['image', 'video', 'audio', 'document']), url: httpUrl, text: optionalText }),
]);

const buttonSchema = z.discriminatedUnion('type', [
  fields({ type: z.literal('quick_replies'), text: requiredText, payload: requiredText }),
  fields({ type: z.literal('web_url'), text: requiredText, url: httpUrl }),
]);

const content = {
  header: headerSchema.optional(),
  body: optionalText,
  footer: optionalText,
  buttons: z.array(buttonSchema).optional(),
};

const cardSchema = fields(content).refine(
  hasContent,
  `needs at least one of ${Object.keys(content).join(', ')} that is not empty`,
);

const templateContent = { ...content, cards: z.array(cardSchema).optional() };

const templateSchema = fields(templateContent).refine(
  hasContent,
  `needs at least one of ${Object.keys(templateContent).join(', ')} that is not empty`,
);

/** `body: ''` or `buttons: []` alone would be a message that shows nothing. */
function hasContent(parts: Record<string, string | object | undefined>): boolean {
  return Object.values(parts).some(
    (part) => part !== undefined && part !== '' && !(Array.isArray(part) && part.length === 0),
  );
}

/** The path of issues that concern the request as a whole. */
const WHOLE = 'request';
const MAX_REQUEST_BYTES = 64 * 1024;
const TOO_LONG: MessageIssue = { path: WHOLE, message: `must be at most ${MAX_REQUEST_BYTES} bytes of JSON` };
const MAX_ID_LENGTH = 256;

const messageSchema = z.discriminatedUnion('type', [
  fields({ type: z.literal('text'), text: requiredText, url: optionalUrl, template: templateSchema.optional() }),
  fields({
    type: z.literal(['image', 'video', 'audio', 'document']),
    url: httpUrl,
    text: optionalText,
    template: templateSchema.optional(),
  }),
  fields({ type: z.literal('template'), template: templateSchema, text: optionalText, url: optionalUrl }),
]);

const sendRequestSchema = fields({
  pageId: opaqueText(MAX_ID_LENGTH),
  conversationId: opaqueText(MAX_ID_LENGTH),
  message: messageSchema,
});

/** A message of one of the six types that the API documents. */
export type KitechatMessage = z.infer<typeof messageSchema>;

/** What `enqueueMessage` takes and the API gets: a page, a conversation of it, and a message. */
export type SendRequest = z.infer<typeof sendRequestSchema>;

export type ParsedSendRequest =
  | {
      ok: true;
      request: SendRequest;
      /** The JSON to store and to send: the keys of the request in their order, nothing added. */
      body: string;
    }
  | { ok: false; issues: MessageIssue[] };

/**
 * Validates a request against everything that the API documents. All issues come at once, and none quotes a value.
 * Throws nothing of its own, only what a getter of the request throws.
 *
 * A key that is `undefined` counts as not given, as it does in JSON. Half a surrogate pair in a text passes: JSON writes it as an escape,
 * so it is stored, sent and read back as it was.
 *
 * @example
 * parseSendRequest({ pageId: 'p1', conversationId: 'c1', message: { type: 'text' } });
 * // { ok: false, issues: [{ path: 'message.text', message: 'is required' }] }
 */
export function parseSendRequest(input: unknown): ParsedSendRequest {
  const { copy: request, issues } = snapshot(input, WHOLE);
  if (!isSendRequest(request, issues) || issues.length > 0) return { ok: false, issues };
  const body = JSON.stringify(request);
  if (Buffer.byteLength(body) > MAX_REQUEST_BYTES) {
    return { ok: false, issues: [TOO_LONG] };
  }
  return { ok: true, request, body };
}

/**
 * Reads a request from the text that stands in Redis and is sent as it is. Others can write to Redis, too.
 *
 * @returns the issues by path and rule, never with a value.
 */
export function parseStoredRequest(text: string): { request: SendRequest } | { issues: MessageIssue[] } {
  const issues: MessageIssue[] = [];
  const request = parsedJson(text);
  if (!isSendRequest(request, issues)) return { issues };
  if (Buffer.byteLength(text) > MAX_REQUEST_BYTES) return { issues: [TOO_LONG] };
  return { request };
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Adds what is wrong to the issues. Zod's own result is not used: it has the keys in the schema's order. */
function isSendRequest(value: unknown, issues: MessageIssue[]): value is SendRequest {
  const { error } = sendRequestSchema.safeParse(value, { error: describeIssue });
  if (!error) return true;
  // What the copy could not take over is missing in it: that was said already, and better.
  const said = new Set(issues.map(({ path }) => path));
  issues.push(...issuesOf(error, WHOLE).filter(({ path }) => !said.has(path)));
  return false;
}
