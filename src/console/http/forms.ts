import type { Context } from 'hono';

/** The field for the CSRF token of the session, in every form of the console. */
export const CSRF_FIELD = 'csrf';

/** The fields of a submitted form. The body can be read again afterwards. */
export async function formOf(context: Context): Promise<URLSearchParams> {
  const type = context.req.header('content-type') ?? '';
  if (!type.startsWith('application/x-www-form-urlencoded')) return new URLSearchParams();
  return new URLSearchParams(await context.req.text());
}

/** A field of a form or a query, without the spaces around it; `undefined` if it is empty. */
export function fieldOf(form: URLSearchParams, name: string): string | undefined {
  const text = form.get(name)?.trim();
  return text === '' ? undefined : text;
}

/** An id in a form or a query, with its spaces, since ids are opaque; `undefined` if it is empty. */
export function idOf(form: URLSearchParams, name: string): string | undefined {
  const text = form.get(name);
  return text === null || text === '' ? undefined : text;
}
