import type { Context } from 'hono';
import { KitechatSenderError } from '../../shared/errors/errors.ts';

/** The field for the CSRF token of the session, in every form of the console. */
export const CSRF_FIELD = 'csrf';

/** Fits the longest message, with line breaks and letters escaped. */
const MAX_EDIT_BYTES = 1024 * 1024;
/** Fits a thousand ids. */
const MAX_FORM_BYTES = 64 * 1024;
/** Fits the longest token, with every character escaped. */
const MAX_LOGIN_BYTES = 4096;

/** A request that no form of the console makes, or whose fields break a rule. */
export class BadFormError extends KitechatSenderError {
  override readonly name = 'BadFormError';
  readonly code = 'BAD_FORM';
}

/** The client closed the connection before the whole form had come. */
export class AbortedRequestError extends Error {
  override readonly name = 'AbortedRequestError';
}

/** The most bytes that the form for a path can have. */
export function maxFormBytes(path: string): number {
  if (path === '/login' || path === '/logout') return MAX_LOGIN_BYTES;
  return path.endsWith('/replay-edited') ? MAX_EDIT_BYTES : MAX_FORM_BYTES;
}

/**
 * The fields of a submitted form. The body can be read again afterwards.
 *
 * @throws AbortedRequestError
 */
export async function formOf(context: Context): Promise<URLSearchParams> {
  const type = context.req.header('content-type') ?? '';
  if (!type.startsWith('application/x-www-form-urlencoded')) return new URLSearchParams();
  try {
    return new URLSearchParams(await context.req.text());
  } catch (cause) {
    throw new AbortedRequestError('the client has gone', { cause });
  }
}

/** A field of a form or a query, without the spaces around it; `undefined` if it is empty. */
export function fieldOf(form: URLSearchParams, name: string): string | undefined {
  const text = form.get(name)?.trim();
  return text === '' ? undefined : text;
}

const MAX_ID_LENGTH = 256;

/**
 * An id in a form or a query, with its spaces, since ids are opaque; `undefined` if it is empty.
 *
 * @throws BadFormError if it is longer than any id
 */
export function idOf(form: URLSearchParams, name: string): string | undefined {
  const text = form.get(name);
  return text === null || text === '' ? undefined : demandShort(text);
}

/** @throws BadFormError if the text is longer than any id */
export function demandShort(id: string): string {
  if (id.length > MAX_ID_LENGTH && Array.from(id).length > MAX_ID_LENGTH) {
    throw new BadFormError(
      `Ids and labels have at most ${MAX_ID_LENGTH} characters. Nothing was looked up or changed.`,
    );
  }
  return id;
}
