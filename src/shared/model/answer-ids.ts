import * as z from 'zod';
import type { AnswerIds } from './event.ts';
import { parseJson } from '../validation/parse-json.ts';

const MAX_IDS = 32;

// Lazy, because a process that only stores messages never reads one.
const idsSchema = z.lazy(() => z.record(z.string().max(128), z.union([z.string().max(512), z.number()])));

/** Reads the ids of the API's answer from a message's job; `null` if there are none, or if others have written something else there. */
export function readAnswerIds(json: string | null): AnswerIds | null {
  if (json === null || json === '') return null;
  const ids = idsSchema.safeParse(parseJson(json)).data;
  return ids === undefined || Object.keys(ids).length === 0 || Object.keys(ids).length > MAX_IDS ? null : ids;
}
