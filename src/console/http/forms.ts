import type { Context } from 'hono';

/** The field in which every form of the console carries its session's token. */
export const CSRF_FIELD = 'csrf';

/** The fields of a form that was sent. The body can be read again after this. */
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

/** The same for ids: they are opaque, so their spaces stay. */
export function idOf(form: URLSearchParams, name: string): string | undefined {
  const text = form.get(name);
  return text === null || text === '' ? undefined : text;
}
