import * as z from 'zod';

/** C0, DEL and C1: never intended in an id, and they break logs, terminals and tables. */
const CONTROL_CHARACTER = /\p{Cc}/u;
const HTTP_URL = /^https?:\/\//i;
const OUTER_SPACE_OR_CONTROL = /^\s|\s$|\p{Cc}/u;

/** A text that must not be empty. Spaces alone are allowed: the content is up to the caller. */
export const requiredText = z.string().min(1, 'must not be empty');

/** The URL is used unchanged, so faults that `new URL` tolerates are refused: outer spaces, line breaks, a missing `//`. */
export const httpUrl = z
  .string()
  .refine(
    (url) => HTTP_URL.test(url) && !OUTER_SPACE_OR_CONTROL.test(url) && URL.canParse(url),
    'must be a valid http or https URL',
  );

/**
 * A short opaque text that is stored in Redis: 1 to `max` characters (code points), none of them a control character.
 * Half a surrogate pair is refused because Redis keys are bytes: each half would become U+FFFD, so different ids could become equal.
 */
export function opaqueText(max: number): z.ZodString {
  return requiredText
    .refine((text) => characterCountIsAtMost(text, max), `must be at most ${max} characters long`)
    .refine((text) => !CONTROL_CHARACTER.test(text), 'must not contain control characters')
    .refine((text) => text.isWellFormed(), 'must not contain half of a surrogate pair');
}

/** A whole number between two bounds, with one message for all other values. */
export function wholeNumberBetween(min: number, max: number, error = `must be a whole number from ${min} to ${max}`) {
  return z.number({ error }).refine((value) => Number.isInteger(value) && value >= min && value <= max, { error });
}

function characterCountIsAtMost(text: string, max: number): boolean {
  if (text.length <= max) return true;
  return text.length <= 2 * max && Array.from(text).length <= max;
}
