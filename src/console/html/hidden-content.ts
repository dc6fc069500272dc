import type { SendRequest } from '../../shared/model/message.ts';

/** The placeholder for content that is not shown. */
export const HIDDEN = '[hidden]';
/** Names of fields that hold the form of a message, not its content. */
const PLAIN_FIELDS = new Set(['type']);
/** A run of this many characters that an answer shares with the message counts as content of the message. */
const RUN = 8;
/** Shorter texts are too common to be recognized as content. */
const SHORTEST = 3;

/** A text of a message, with its path, such as `message.template.buttons[0].text`. */
export interface MessageText {
  path: string;
  text: string;
}

/** All texts of a message that are content. */
export function textsOf(message: SendRequest['message']): MessageText[] {
  return textsIn(message, 'message');
}

function textsIn(value: unknown, path: string): MessageText[] {
  if (typeof value === 'string') return [{ path, text: value }];
  if (Array.isArray(value)) return value.flatMap((item: unknown, index) => textsIn(item, `${path}[${index}]`));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    PLAIN_FIELDS.has(key) ? [] : textsIn(inner, `${path}.${key}`),
  );
}

/** The answer with all parts hidden that it shares with the message: the API can quote the request, or a part of it. */
export function withoutContent(answer: string, message: SendRequest['message'] | null): string {
  if (message === null) return answer;
  const texts = textsOf(message).flatMap(({ text }) => [text, JSON.stringify(text).slice(1, -1)]);
  const runs = new Set(texts.flatMap((text) => runsOf(text)));
  const hidden = Array.from({ length: answer.length }, () => false);
  for (let start = 0; start + RUN <= answer.length; start += 1) {
    if (runs.has(answer.slice(start, start + RUN))) hidden.fill(true, start, start + RUN);
  }
  for (const text of texts) {
    if (text.length >= RUN || text.trim().length < SHORTEST) continue;
    for (let at = answer.indexOf(text); at !== -1; at = answer.indexOf(text, at + 1)) {
      hidden.fill(true, at, at + text.length);
    }
  }
  return Array.from(hidden, (isHidden, at) => {
    if (!isHidden) return answer[at];
    return hidden[at - 1] ? '' : HIDDEN;
  }).join('');
}

function runsOf(text: string): string[] {
  return Array.from({ length: Math.max(0, text.length - RUN + 1) }, (_, start) => text.slice(start, start + RUN));
}
