import { z } from 'zod';

/** C0, DEL and C1. Nobody means them in an id, and they break logs, terminals and tables. */
const CONTROL_CHARACTER = /\p{Cc}/u;
const HTTP_URL = /^https?:\/\//i;
const OUTER_SPACE_OR_CONTROL = /^\s|\s$|\p{Cc}/u;

/** A text that has to be there. Spaces alone pass: what a text says is the caller's business. */
export const requiredText = z.string().min(1, 'must not be empty');

/** The URL is used as it stands, so what `new URL` would forgive is refused: outer spaces, line breaks, a missing `//`. */
export const httpUrl = z
  .string()
  .refine(
    (url) => HTTP_URL.test(url) && !OUTER_SPACE_OR_CONTROL.test(url) && URL.canParse(url),
    'must be a valid http or https URL',
  );

/**
 * A short opaque text that ends up in Redis: 1 to `max` characters (code points), none of them a control character.
 * Half a surrogate pair is refused because Redis keys are bytes: all halves would become the same U+FFFD there, and two ids one.
 */
export function opaqueText(max: number): z.ZodString {
  return requiredText
    .refine((text) => characterCountIsAtMost(text, max), `must be at most ${max} characters long`)
    .refine((text) => !CONTROL_CHARACTER.test(text), 'must not contain control characters')
    .refine((text) => text.isWellFormed(), 'must not contain half of a surrogate pair');
}

/** A whole number between two bounds; one message for whatever else it is. */
export function wholeNumberBetween(min: number, max: number, error = `must be a whole number from ${min} to ${max}`) {
  return z.number({ error }).refine((value) => Number.isInteger(value) && value >= min && value <= max, { error });
}

function characterCountIsAtMost(text: string, max: number): boolean {
  if (text.length <= max) return true;
  return text.length <= 2 * max && Array.from(text).length <= max;
}
