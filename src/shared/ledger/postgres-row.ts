import { createHash } from 'node:crypto';
import type { EventRecord } from '../model/event.ts';
import { timeOf } from './kept-event.ts';

/** An entry of an index has at most 2704 bytes. Longer texts than these are replaced by a hash; no producer of ours stores them. */
const MAX_ID_BYTES = 400;
const MAX_NAME_BYTES = 1024;
/** A NUL, or half of a surrogate pair: PostgreSQL takes neither, in text nor in jsonb. */
const UNSTORABLE = /\0|\p{Cs}/gu;

/** The values of an event's row, in the order of `COLUMNS`. */
export type Row = [
  at: string,
  id: string,
  type: string,
  messageId: string | null,
  pageId: string | null,
  conversationId: string | null,
  label: string | null,
  event: string,
  request: string | null,
];

export const COLUMNS = 'at, id, type, message_id, page_id, conversation_id, label, event, request';

export function rowOf(record: EventRecord): Row {
  const at = new Date(timeOf(record)).toISOString();
  const id = shortened(record.id, MAX_ID_BYTES);
  if (record.type === 'gap') return [at, id, record.type, null, null, null, null, jsonOf(record), null];
  const { request, ...event } = record;
  return [
    at,
    id,
    event.type,
    storable(event.messageId),
    event.pageId === null ? null : nameOf(event.pageId),
    event.conversationId === null ? null : nameOf(event.conversationId),
    event.label === null ? null : storable(event.label),
    jsonOf(event),
    // Of the type json, which keeps every text as it is.
    request === undefined ? null : JSON.stringify(request),
  ];
}

/** The id of a page or conversation as the columns have it. */
export function nameOf(id: string): string {
  return shortened(id, MAX_NAME_BYTES);
}

function shortened(id: string, maxBytes: number): string {
  const text = storable(id);
  return Buffer.byteLength(text) <= maxBytes ? text : `~${createHash('sha256').update(id).digest('hex')}`;
}

function storable(text: string): string {
  return text.replaceAll(UNSTORABLE, '\ufffd');
}

function jsonOf(event: object): string {
  return JSON.stringify(event, (_key, value: unknown) => (typeof value === 'string' ? storable(value) : value));
}
