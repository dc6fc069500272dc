import { InvalidMessageError, type MessageIssue } from '../shared/errors/errors.ts';
import { parseSendRequest, type SendRequest } from '../shared/model/message.ts';

/** New texts by their paths in a request, such as `message.template.buttons[0].url`. */
export type RequestEdits = Readonly<Record<string, string>>;

const PATH = /^message(?:\.[A-Za-z_$][\w$]*|\[\d{1,4}\])+$/;
const KEY = /[A-Za-z_$][\w$]*|\d+/g;

/**
 * Returns a request with some of its texts changed, validated as a whole like a new request. The page and the conversation
 * can't be changed, because the entry is indexed under them.
 *
 * @throws InvalidMessageError with all problems.
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
  if (!PATH.test(path)) return refused('only fields of the message can be set, such as message.text');
  const keys = path.match(KEY) ?? [];
  const last = keys.pop() ?? '';
  let place: object = request;
  for (const key of keys) {
    const inner = ownValue(place, key);
    if (inner === undefined) return refused(`there is no ${key} to set it in`);
    place = inner;
  }
  // An edit can't extend a list, and the prototype of an object is not a field.
  const isField = Array.isArray(place) ? Object.hasOwn(place, last) : last !== '__proto__';
  if (!isField) return refused('there is no such place');
  Reflect.set(place, last, text);
  return [];
}

function ownValue(place: object, key: string): object | undefined {
  const value: unknown = Object.hasOwn(place, key) ? Reflect.get(place, key) : undefined;
  return typeof value === 'object' && value !== null ? value : undefined;
}
