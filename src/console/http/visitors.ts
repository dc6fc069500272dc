import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { HttpBindings } from '@hono/node-server';

/** The sender of a request. */
export interface Visitor {
  /** The visitor's name in the log: a short form of the session's id, or `token` for a tool with the bearer token. */
  who: string;
  /** The token in the visitor's forms; `null` for tools, since no other site can make them send their header. */
  csrfToken: string | null;
  /** The session that the visitor can end; `null` for tools and for a console without a token. */
  session: VisitorSession | null;
}

export interface VisitorSession {
  id: string;
  endsAtMs: number;
}

/** What the guard and the console pass to their routes. */
export interface AccessEnv {
  Bindings: HttpBindings;
  Variables: {
    visitor: Visitor;
    /** The Redis and the namespace, which every page names. */
    site: string;
  };
}

/** Sessions without a store: the signed cookie itself holds the session's id and end. Sessions that end earlier are stored. */
export interface Visitors {
  /** Starts a session. @returns the value of its cookie, and the visitor. */
  admit(): { cookie: string; visitor: Visitor };
  /** The session of a cookie; `null` if it is forged, was made with another token, or has ended. */
  recognize(cookie: string | undefined): Visitor | null;
  isToken(text: string): boolean;
}

/** Long enough for a night shift. */
export const SESSION_MS = 12 * 3_600_000;
const COOKIE = /^(\d{13})\.([\w-]{22})\.([\w-]{43})$/;

/** @param token the console's token; without one the sessions end with the process */
export function createVisitors(token: string | undefined, now: () => number = Date.now): Visitors {
  const salt = randomBytes(32);
  const key = token === undefined ? salt : Buffer.from(sign(token, 'kitechat-sender console'), 'base64url');

  const visitorOf = (id: string, endsAtMs: number): Visitor => ({
    who: id.slice(0, 8),
    csrfToken: sign(key, `csrf ${id}`),
    session: token === undefined ? null : { id, endsAtMs },
  });

  return {
    admit() {
      const id = randomBytes(16).toString('base64url');
      const endsAtMs = now() + SESSION_MS;
      const content = `${endsAtMs}.${id}`;
      return { cookie: `${content}.${sign(key, `session ${content}`)}`, visitor: visitorOf(id, endsAtMs) };
    },
    recognize(cookie) {
      const [, endsAt, id, signature] = COOKIE.exec(cookie ?? '') ?? [];
      if (endsAt === undefined || id === undefined || signature === undefined) return null;
      if (!isEqual(signature, sign(key, `session ${endsAt}.${id}`)) || Number(endsAt) <= now()) return null;
      return visitorOf(id, Number(endsAt));
    },
    // Both sides are hashed with a secret key, so the time of the comparison reveals nothing, not even the length.
    isToken: (text) => token !== undefined && isEqual(sign(salt, text), sign(salt, token)),
  };
}

/** Compares in constant time. */
export function isEqual(one: string, other: string): boolean {
  const [left, right] = [Buffer.from(one), Buffer.from(other)];
  return left.length === right.length && timingSafeEqual(left, right);
}

function sign(key: string | Buffer, text: string): string {
  return createHmac('sha256', key).update(text).digest('base64url');
}
