import * as z from 'zod';
import type { MessageIssue } from '../errors/errors.ts';
import { describeIssue, fields, issuesOf } from '../validation/issues.ts';
import { snapshot } from './plain-copy.ts';
import { httpUrl, opaqueText, requiredText } from '../validation/rules.ts';
import { parseJson } from '../validation/parse-json.ts';

// Written out, and not inferred from the schemas: programs that use the package need not check their types with those of Zod.

/** The file types that a message can carry by URL. */
type MediaType = 'image' | 'video' | 'audio' | 'document';

type Header =
  | { type: 'text'; text: string; url?: string | undefined }
  | { type: MediaType; url: string; text?: string | undefined };

type Button = { type: 'quick_replies'; text: string; payload: string } | { type: 'web_url'; text: string; url: string };

/** At least one of these parts must not be empty. */
type Card = {
  header?: Header | undefined;
  body?: string | undefined;
  footer?: string | undefined;
  buttons?: Button[] | undefined;
};

/** At least one of these parts must not be empty. */
type Template = Card & { cards?: Card[] | undefined };

/** A message of one of the six types that the API documents. */
export type KitechatMessage =
  | { type: 'text'; text: string; url?: string | undefined; template?: Template | undefined }
  | { type: MediaType; url: string; text?: string | undefined; template?: Template | undefined }
  | { type: 'template'; template: Template; text?: string | undefined; url?: string | undefined };

/** The request that `enqueueMessage` takes and the API receives: a page, a conversation of the page, and a message. */
export type SendRequest = {
  /** The page that sends; 1 to 256 characters. */
  pageId: string;
  /** The conversation of the page, whose messages stay in order; 1 to 256 characters. */
  conversationId: string;
  message: KitechatMessage;
};

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

/** Whether there is anything to show: `body: ''` or `buttons: []` alone would show nothing. */
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

const messageSchema: z.ZodType<KitechatMessage> = z.discriminatedUnion('type', [
  fields({ type: z.literal('text'), text: requiredText, url: optionalUrl, template: templateSchema.optional() }),
  fields({
    type: z.literal(['image', 'video', 'audio', 'document']),
    url: httpUrl,
    text: optionalText,
    template: templateSchema.optional(),
  }),
  fields({ type: z.literal('template'), template: templateSchema, text: optionalText, url: optionalUrl }),
]);

const sendRequestSchema: z.ZodType<SendRequest> = fields({
  pageId: opaqueText(MAX_ID_LENGTH),
  conversationId: opaqueText(MAX_ID_LENGTH),
  message: messageSchema,
});

export type ParsedSendRequest =
  | {
      ok: true;
      request: SendRequest;
      /** The JSON to store and to send, with the keys of the request in their order and nothing added. */
      body: string;
    }
  | { ok: false; issues: MessageIssue[] };

/**
 * Validates a request against everything that the API documents. Returns all issues at once; none quotes a value.
 * Throws only if a getter of the request throws.
 *
 * A key that is `undefined` counts as missing, as in JSON. Half a surrogate pair in a text is allowed: JSON escapes it, so it is stored,
 * sent and read back unchanged.
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
 * Reads and validates a request from Redis, because others can write to Redis, too. The text itself is sent unchanged.
 *
 * @returns the request, or issues with paths and rules, never with a value.
 */
export function parseStoredRequest(text: string): { request: SendRequest } | { issues: MessageIssue[] } {
  const issues: MessageIssue[] = [];
  const request = parseJson(text);
  if (!isSendRequest(request, issues)) return { issues };
  if (Buffer.byteLength(text) > MAX_REQUEST_BYTES) return { issues: [TOO_LONG] };
  return { request };
}

/** Validates the value and adds its issues. Zod's result is not used, because its keys have the schema's order. */
function isSendRequest(value: unknown, issues: MessageIssue[]): value is SendRequest {
  const { error } = sendRequestSchema.safeParse(value, { error: describeIssue });
  if (!error) return true;
  // A value that `snapshot` could not copy is missing in the copy, but it has an issue already.
  const said = new Set(issues.map(({ path }) => path));
  issues.push(...issuesOf(error, WHOLE).filter(({ path }) => !said.has(path)));
  return false;
}
