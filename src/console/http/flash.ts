import type { Context } from 'hono';
import { localPath } from './origin.ts';
import { readCookie, writeCookie } from './cookies.ts';

/** The result of a change, shown once on the next page. */
export interface Flash {
  /** What happened, and how to undo it. */
  text: string;
  /** Whether the change failed or is incomplete. */
  isProblem?: boolean;
  /** A link for the next step. */
  link?: { href: string; label: string };
}

const NAME = 'flash';
const KEPT_MS = 60_000;
/** Browsers silently drop longer cookies. */
const MAX_LENGTH = 3500;

export function leaveFlash(context: Context, flash: Flash): void {
  const { link: _link, ...withoutLink } = flash;
  const whole = encode(flash);
  writeCookie(context, NAME, whole.length <= MAX_LENGTH ? whole : encode(withoutLink), KEPT_MS);
}

/** Takes the result of the last change. It isn't trusted, because other programs on this machine can write cookies, too. */
export function takeFlash(context: Context): Flash | null {
  const cookie = readCookie(context, NAME);
  if (cookie === undefined || cookie === '') return null;
  writeCookie(context, NAME, '', 0);
  try {
    const value = JSON.parse(Buffer.from(cookie, 'base64url').toString()) as Partial<Flash>;
    if (typeof value.text !== 'string') return null;
    const { href, label } = value.link ?? {};
    const isOurs = typeof href === 'string' && typeof label === 'string' && localPath(href) === href;
    return {
      text: value.text,
      isProblem: value.isProblem === true,
      ...(isOurs ? { link: { href, label } } : {}),
    };
  } catch {
    return null;
  }
}

function encode(flash: Flash): string {
  return Buffer.from(JSON.stringify(flash)).toString('base64url');
}
