import type { SendRequest } from '../../shared/model/message.ts';

/**
 * The number that a test wrote into a message as its place in the conversation: the last integer in `message.text` (also a
 * caption), else in the path and query of `message.url` without its file extension, else in the body or the header of
 * `message.template`. `Hello 17` and `https://example.com/17.mp4` are both 17.
 *
 * @returns `null` if there is no number: such a message has no place in the order.
 */
export function sequenceOf({ message }: SendRequest): number | null {
  const { template } = message;
  const texts = [
    message.text,
    message.url === undefined ? undefined : withoutOriginAndExtension(message.url),
    template?.body,
    template?.header?.text,
  ];
  for (const text of texts) {
    const number = text === undefined ? null : lastInteger(text);
    if (number !== null) return number;
  }
  return null;
}

function lastInteger(text: string): number | null {
  const digits = text.match(/\d+/g)?.at(-1);
  const number = Number(digits);
  return Number.isSafeInteger(number) ? number : null;
}

/** Removes numbers that are the same in every message of a test, such as a port or the 4 of `.mp4`. */
function withoutOriginAndExtension(url: string): string {
  return url.replace(/^[a-z]+:\/\/[^/?#]*/i, '').replace(/\.[a-z][a-z0-9]*(?=$|[?#])/i, '');
}
