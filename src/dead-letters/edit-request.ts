import { InvalidMessageError, type MessageIssue } from '../shared/errors/errors.ts';
import { parseSendRequest, type SendRequest } from '../shared/model/message.ts';

/** Paths of a request, such as `message.template.buttons[0].url`, and the texts to put there. */
export type RequestEdits = Readonly<Record<string, string>>;

const PATH = /^message(?:\.[A-Za-z_$][\w$]*|\[\d{1,4}\])+$/;
const KEY = /[A-Za-z_$][\w$]*|\d+/g;

/**
 * A request with some of its texts changed, validated as a whole like any new one. The page and the conversation stay: the
 * entry has its place there.
 *
 * @throws InvalidMessageError with all that is wrong.
 */
export function editRequest(request: SendRequest, edits: RequestEdits): SendRequest {
  const edited = structuredClone(request);
  const issues = Object.entries(edits).flatMap(([path, text]) => put(edited, path, text));
  if (issues.length > 0) throw new InvalidMessageError(issues);
  const parsed = parseSendRequest(edited);
  if (!parsed.ok) throw new InvalidMessageError(parsed.issues);
  return parsed.request;
}

function put(request: SendRequest, path: string, text: string): MessageIssue[] {
  const refused = (why: string): MessageIssue[] => [{ path, message: `can not be set: ${why}` }];
  if (!PATH.test(path)) return refused('only fields of the message can, such as message.text');
  const keys = path.match(KEY) ?? [];
  const last = keys.pop() ?? '';
  let place: object = request;
  for (const key of keys) {
    const inner = ownValue(place, key);
    if (inner === undefined) return refused(`there is no ${key} to set it in`);
    place = inner;
  }
  // A list doesn't grow by an edit, and an object's prototype is no field.
  const isField = Array.isArray(place) ? Object.hasOwn(place, last) : last !== '__proto__';
  if (!isField) return refused('there is no such place');
  Reflect.set(place, last, text);
  return [];
}

function ownValue(place: object, key: string): object | undefined {
  const value: unknown = Object.hasOwn(place, key) ? Reflect.get(place, key) : undefined;
  return typeof value === 'object' && value !== null ? value : undefined;
}
