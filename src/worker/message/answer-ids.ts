import type { AnswerIds } from '../../shared/model/event.ts';
import { parseJson } from '../../shared/validation/parse-json.ts';

/** Success answers are small; parsing a large one would delay other messages. */
const MAX_BODY_LENGTH = 16 * 1024;
const MAX_FIELDS = 8;
const MAX_LENGTH = 512;
/** Spares most answers the parsing: they have no such name. */
const HAS_ID = /(?:id|Id|ID)"/;
const ID_NAME = /^[\w.-]{0,62}(?:id|Id|ID)$/;
/** No spaces, so that neither a message's text nor a masked API key passes for an id. */
const ID_TEXT = /^[\x21-\x7e]{1,128}$/;
/** Objects in which APIs wrap what they answer. */
const WRAPPERS = ['data', 'result'];

/**
 * Returns the ids in an answer of the API as JSON, such as `{"messageId":"17"}`; `''` if there are none. Ids are fields of the answer, or of
 * its object `data` or `result`, whose name is `id` or ends so. It never has more than 8 fields or 512 characters.
 */
export function answerIdsOf(body: string): string {
  if (body.length > MAX_BODY_LENGTH || !HAS_ID.test(body)) return '';
  const answer = parseJson(body);
  if (!isObject(answer)) return '';
  const found = [answer, ...WRAPPERS.map((name) => answer[name]).filter(isObject)].flatMap(Object.entries<unknown>);
  const ids = new Map<string, string | number>();
  for (const [name, value] of found) {
    if (ids.size === MAX_FIELDS) break;
    if (!ids.has(name) && ID_NAME.test(name) && isId(value) && textOf(ids, [name, value]).length <= MAX_LENGTH) {
      ids.set(name, value);
    }
  }
  return ids.size === 0 ? '' : textOf(ids);
}

function textOf(ids: ReadonlyMap<string, string | number>, ...more: [string, string | number][]): string {
  return JSON.stringify(Object.fromEntries([...ids, ...more]) satisfies AnswerIds);
}

/** Numbers that JSON can't carry exactly would be other ids. */
function isId(value: unknown): value is string | number {
  if (typeof value === 'number') return Math.abs(value) <= Number.MAX_SAFE_INTEGER;
  return typeof value === 'string' && ID_TEXT.test(value);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
