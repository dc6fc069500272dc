import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { HttpBindings } from '@hono/node-server';
import type { Rights } from '../rights/rights.ts';
import type { NamedToken } from '../rights/token-list.ts';

/** The sender of a request. */
export interface Visitor extends Rights {
  /** The name of the visitor's token; `local` at a console that needs none. */
  by: string;
  /** A short form of the session's id, for the log; `token` for a tool with the bearer token. */
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
  admit(token: NamedToken | null): { cookie: string; visitor: Visitor };
  /**
   * The session of a cookie; `null` if it is forged or has ended, or if its token is no longer valid. It has the rights that its token
   * has now.
   */
  recognize(cookie: string | undefined): Visitor | null;
  /** The token with this text; `null` if there is none. */
  tokenOf(text: string): NamedToken | null;
}

/** Long enough for a night shift. */
export const SESSION_MS = 12 * 3_600_000;
const COOKIE = /^(\d{13})\.([\w-]{22})\.([\w.@+-]{1,64})\.([\w-]{43})$/;
/** Everybody at a console without a token. */
const LOCAL: Pick<NamedToken, 'name' | 'role' | 'pages'> = { name: 'local', role: 'admin', pages: null };

/** @param tokens returns the valid tokens; without any (`null`) the sessions end with the process */
export function createVisitors(tokens: () => readonly NamedToken[] | null, now: () => number = Date.now): Visitors {
  const salt = randomBytes(32);
  const keyOf = (token: NamedToken | null): Buffer =>
    token === null ? salt : Buffer.from(sign(token.token, 'kitechat-sender console'), 'base64url');

  const visitorOf = (token: NamedToken | null, id: string, endsAtMs: number): Visitor => {
    const { name, role, pages } = token ?? LOCAL;
    return {
      by: name,
      who: id.slice(0, 8),
      role,
      pages,
      csrfToken: sign(keyOf(token), `csrf ${id}`),
      session: token === null ? null : { id, endsAtMs },
    };
  };

  return {
    admit(token) {
      const id = randomBytes(16).toString('base64url');
      const endsAtMs = now() + SESSION_MS;
      const content = `${endsAtMs}.${id}.${(token ?? LOCAL).name}`;
      const cookie = `${content}.${sign(keyOf(token), `session ${content}`)}`;
      return { cookie, visitor: visitorOf(token, id, endsAtMs) };
    },
    recognize(cookie) {
      const [, endsAt, id, name, signature] = COOKIE.exec(cookie ?? '') ?? [];
      if (endsAt === undefined || id === undefined || name === undefined || signature === undefined) return null;
      const valid = tokens();
      const token = valid === null ? null : valid.find((one) => one.name === name);
      if (token === undefined) return null;
      const signed = sign(keyOf(token), `session ${endsAt}.${id}.${name}`);
      if (!isEqual(signature, signed) || Number(endsAt) <= now()) return null;
      return visitorOf(token, id, Number(endsAt));
    },
    tokenOf(text) {
      // Both sides are hashed with a secret key, so the time of the comparisons reveals nothing, not even the length.
      const hash = sign(salt, text);
      // A wrong token is compared with all of them; of a right one the time shows at most its place in the file.
      return (tokens() ?? []).find((one) => isEqual(hash, sign(salt, one.token))) ?? null;
    },
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
