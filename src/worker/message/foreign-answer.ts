import type { Exchange } from '../http/exchange.ts';

const HTML = 'an HTML page';

/** Content types that the API doesn't use, with what they hold. */
const FOREIGN: readonly [RegExp, string][] = [
  [/^application\/xhtml\+xml$/, HTML],
  [/^image\//, 'an image'],
  [/[/+]xml$/, 'XML'],
  [/^(?:audio|video)\//, 'a recording'],
  [/[/-](?:java|ecma|live|j)script$/, 'a script'],
  [/^application\/octet-stream$/, 'binary data'],
];

/** Content types that the API may use. HTML is one of them because it is the default type of PHP. */
const USED_TYPES = /^(?:text\/(?:plain|html)|[^/]+\/[^/]*json(?:-seq)?)$/;

/** Cache for the content type that was judged last, which the next answer mostly has as well. */
let last: { contentType: string | null; foreign: string | null } = { contentType: null, foreign: null };

/** Returns what a content type says that the API would not send; `null` if the API may use the type, or if there is none. */
export function foreignType(contentType: string | null): string | null {
  if (last.contentType !== contentType) last = { contentType, foreign: judgeType(essenceOf(contentType)) };
  return last.foreign;
}

function judgeType(type: string | null): string | null {
  if (type === null || USED_TYPES.test(type)) return null;
  return FOREIGN.find(([pattern]) => pattern.test(type))?.[1] ?? 'content of a type that the API does not use';
}

/** Returns what a body holds that the API would not send; `null` if the API may have sent it. For bodies that are not JSON. */
export function foreignContent(
  { contentType, bodyState }: Pick<Exchange, 'contentType' | 'bodyState'>,
  body: string,
): string | null {
  if (bodyState === 'undecoded') return "a body that can't be decoded";
  const markup = markupIn(body);
  if (markup !== null) return markup;
  if (essenceOf(contentType) === 'text/html' && !isBareOk(body) && !isBeginningOfJson(bodyState, body)) return HTML;
  // Text has no zero bytes, whatever its charset.
  return body.includes('\0') ? 'binary data' : null;
}

/** Returns the content type without its parameters; `null` if there is none, or only a word that names no type. */
function essenceOf(contentType: string | null): string | null {
  const type = (contentType ?? '').split(/[;,]/, 1)[0]?.trim().toLowerCase() ?? '';
  return /^[^\s/]+\/[^\s/]+$/.test(type) ? type : null;
}

/** Whether a body is the bare text `Ok`, which the API sends for success. */
function isBareOk(body: string): boolean {
  return /^ok[.!]?$/i.test(body);
}

function isBeginningOfJson(bodyState: Exchange['bodyState'], body: string): boolean {
  return bodyState === 'cut' && /^["[{]/.test(body);
}

function markupIn(body: string): string | null {
  const beginning = withoutProlog(body);
  if (
    /^<(?:!doctype\s+html|(?:html|head|body|title|meta|link|script|style|h\d|p|div|span|br|b|center|table|a)\b)/i.test(
      beginning,
    )
  ) {
    return HTML;
  }
  return /^<[a-z!?/]/i.test(beginning) ? 'XML' : null;
}

/** Returns a body without the comments and processing instructions that it begins with. */
function withoutProlog(body: string): string {
  let rest = body.trimStart();
  for (;;) {
    const [, end] = PROLOG.find(([start]) => rest.startsWith(start)) ?? [];
    const at = end === undefined ? -1 : rest.indexOf(end, 2);
    if (end === undefined || at === -1) return rest;
    rest = rest.slice(at + end.length).trimStart();
  }
}

const PROLOG = [
  ['<!--', '-->'],
  ['<?', '?>'],
] as const;
