import type { SendRequest } from '../../shared/model/message.ts';

/** The placeholder for content that is not shown. */
export const HIDDEN = '[hidden]';
/** Names of fields that hold the form of a message, not its content. */
const PLAIN_FIELDS = new Set(['type']);

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
