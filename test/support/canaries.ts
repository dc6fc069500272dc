import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { expect } from 'vitest';

/** Secret texts that tests search for. Content of messages may be in Redis; the others must be nowhere. */
export interface Canaries {
  apiKey: string;
  redisPassword: string;
  consoleToken: string;
  /** 32 bytes in base64. */
  encryptionKey: string;
  content: string;
}

export type Secret = keyof Canaries;
const keys = ['apiKey', 'redisPassword', 'consoleToken', 'encryptionKey'] as const;
const all = [...keys, 'content'] as const;

/** A text with characters that JSON, URLs and HTML encode. */
export function newCanaries(): Canaries {
  const canary = (name: string): string => `canary-${name}-${randomBytes(9).toString('hex')}`;
  return {
    apiKey: `${canary('key')}"\\<&%+/=`,
    redisPassword: `${canary('password')}"<&%+/`,
    consoleToken: `${canary('token')}"<&%+/`,
    encryptionKey: randomBytes(32).toString('base64'),
    content: `${canary('content')} "<&%+/ Xin chào 👋\n\u2028`,
  };
}

/** Fails if a text contains a secret, and shows where. */
export function expectNoSecrets(where: string, text: string, canaries: Canaries, which: readonly Secret[] = all): void {
  const found = which.flatMap((name) =>
    formsOf(canaries[name]).flatMap((form) => {
      const at = text.indexOf(form);
      return at === -1 ? [] : [`${name} in ${where}: …${text.slice(Math.max(0, at - 200), at + form.length + 50)}…`];
    }),
  );
  expect(found).toEqual([]);
}

/** All texts that can be read from an error. */
export function everythingOf(error: unknown): string {
  const seen: string[] = [];
  for (let each = error; each instanceof Error; each = each.cause) {
    seen.push(String(each), each.stack ?? '', each.message);
  }
  const json = JSON.stringify(error, (_key, value: unknown) =>
    value instanceof Error
      ? Object.fromEntries(Object.getOwnPropertyNames(value).map((name) => [name, Reflect.get(value, name)]))
      : value,
  );
  return [...seen, String(error), JSON.stringify(error), json, inspect(error, { depth: 20, showHidden: true })].join(
    '\n',
  );
}

const known = new Map<string, readonly string[]>();

function formsOf(secret: string): readonly string[] {
  const forms = known.get(secret) ?? newFormsOf(secret);
  known.set(secret, forms);
  return forms;
}

/** The distinctive part of a secret, and the whole encoded for JSON, URLs, HTML, base64 (at any byte offset) and hexadecimal. */
function newFormsOf(secret: string): string[] {
  const core = /canary-\w+-\w+/.exec(secret)?.[0] ?? secret;
  const inBase64 = [0, 1, 2].flatMap((shift) => {
    const bytes = Buffer.from(' '.repeat(shift) + core);
    const [from, to] = [Math.ceil((8 * shift) / 6), Math.floor((bytes.length * 8) / 6)];
    return (['base64', 'base64url'] as const).map((encoding) => bytes.toString(encoding).slice(from, to));
  });
  const inHex = [
    Buffer.from(core).toString('hex'),
    ...(core === secret ? [Buffer.from(secret, 'base64').toString('hex')] : []),
  ];
  return [...new Set([core, encodeURIComponent(core), JSON.stringify(core).slice(1, -1), ...inBase64, ...inHex])];
}
