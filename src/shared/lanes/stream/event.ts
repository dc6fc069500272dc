import * as z from 'zod';
import { readAnswerIds } from '../../model/answer-ids.ts';
import { decodeHistory } from '../../model/attempts.ts';
import { deadReasons } from '../../model/dead-letter.ts';
import { proofs, type SettledEvent, settledTypes } from '../../model/event.ts';
import { readRequest } from '../../model/stored-message.ts';
import { parseJson } from '../../validation/parse-json.ts';

/** An entry of the stream of events: its fields, one after the other with their values. */
export type EventFields = readonly string[];

const word = z.string().max(512);

/** What only some events have. Others can write to Redis, too: what is not as we write it is left out. */
const moreSchema = z.object({
  ids: z.object({ page: word, conversation: word }).optional().catch(undefined),
  reason: z.enum(deadReasons).optional().catch(undefined),
  proof: z.enum(proofs).optional().catch(undefined),
  answer: z.string().max(2048).optional().catch(undefined),
  label: word.optional().catch(undefined),
  replayedAs: word.optional().catch(undefined),
  outcome: z.enum(['delivered', 'not-delivered']).optional().catch(undefined),
  by: word.optional().catch(undefined),
  data: z.string().optional().catch(undefined),
});

const time = z.coerce.number().min(0).max(8.64e15);
/** The parts of an event, in their order. */
const partsSchema = z.tuple([
  z.enum(settledTypes),
  word.min(1),
  word,
  time,
  time.catch(0),
  word.catch(''),
  z.coerce.number().int().min(0).max(1e6).catch(0),
  z.string(),
  z.string(),
]);
/** Stands between the parts of an event, see events.lua. */
const SEPARATOR = '\u001F';

/** Reads an entry; `null` if it is no event that this version knows. */
export function readEvent([name, text = '']: EventFields): SettledEvent | null {
  const { data } = partsSchema.safeParse(name === 'event' ? text.split(SEPARATOR) : undefined);
  if (!data) return null;
  const [type, id, lane, at, since, label, used, history, rest] = data;
  const more = moreSchema.safeParse(rest === '' ? {} : parseJson(rest)).data ?? {};
  const attempts = decodeHistory(history);
  const httpStatus = attempts.findLast((attempt) => attempt.httpStatus !== null)?.httpStatus ?? null;
  const proof = more.proof ?? (type === 'delivered' ? 'api' : undefined);
  const answer = more.answer === undefined ? undefined : readAnswerIds(more.answer);
  const request = more.data === undefined ? null : readRequest(more.data);
  const [page = '', conversation = ''] = lane.split('/');
  return {
    id: `${id}.${type}.${at}`,
    type,
    messageId: id,
    pageId: isHashed(page) ? (more.ids?.page ?? null) : page,
    conversationId: isHashed(conversation) ? (more.ids?.conversation ?? null) : conversation,
    label: (label === '' ? more.label : label) ?? null,
    at: new Date(at).toISOString(),
    enqueuedAt: since === 0 ? null : new Date(since).toISOString(),
    attempts,
    attemptsUsed: used,
    ...(more.reason === undefined ? {} : { reason: more.reason }),
    ...(httpStatus === null ? {} : { httpStatus }),
    ...(proof === undefined ? {} : { proof }),
    ...(answer ? { answer } : {}),
    ...(more.replayedAs === undefined ? {} : { replayedAs: more.replayedAs }),
    ...(more.outcome === undefined ? {} : { outcome: more.outcome }),
    ...(more.by === undefined ? {} : { by: more.by }),
    ...(request ? { request } : {}),
  };
}

/** key-names.ts puts a hash in place of an id that is not plain. */
function isHashed(part: string): boolean {
  return part === '' || part.startsWith('~');
}
