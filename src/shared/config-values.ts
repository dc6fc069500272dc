import { z } from 'zod';

import { formatRateLimit, parseRateLimit, RATE_LIMIT_RULE } from './rate-limit.ts';
import { httpUrl, wholeNumberBetween } from './value-rules.ts';

/** A comma among the hosts (one in a password is none of them), or one before another URL. */
const ADDRESS_LIST = /^rediss?:\/\/(?:[^/?#]*@)?[^@/?#]*,[^@/?#]*(?:[/?#]|$)|,\s*rediss?:\/\//i;

const DIGITS = /^\s*-?\d{1,16}\s*$/;

/** A whole number, or its digits as the environment gives them. `1e3`, `0x10` and `5.0` are refused rather than guessed at. */
export function wholeNumber(min: number, max: number) {
  return z.preprocess(fromDigits, wholeNumberBetween(min, max));
}

/** `auto`, or a whole number. */
export function autoOrWholeNumber(min: number, max: number) {
  const error = `must be auto or a whole number from ${min} to ${max}`;
  return z.preprocess(fromDigits, z.union([z.literal('auto'), wholeNumberBetween(min, max, error)], { error }));
}

/** `true` or `false`, or the same as the environment gives it. */
export const flag = z.preprocess(
  (value) => (value === 'true' || value === 'false' ? value === 'true' : value),
  z.boolean('must be true or false'),
);

function fromDigits(value: unknown): unknown {
  return typeof value === 'string' && DIGITS.test(value) ? Number(value) : value;
}

export const redisUrl = z.string().check((context) => {
  const problem = redisUrlProblem(context.value);
  if (problem !== undefined) context.issues.push({ code: 'custom', message: problem, input: context.value });
});

export const endpointUrl = httpUrl.refine((url) => {
  const { username, password } = URL.parse(url) ?? {};
  return !username && !password;
}, 'must not hold a user or password: the key of the API goes into KITECHAT_API_KEY');

/** What may stand in a header as it is. */
export const headerToken = z
  .string()
  .regex(/^[\u0021-\u007e]+$/, 'must consist of visible ASCII characters, without spaces or line breaks')
  .max(4096, 'must be at most 4096 characters long');

/** Where to listen: an address, or a name of this machine. */
export const listenHost = z
  .string()
  .regex(/^[\w.:%-]{1,253}$/, 'must be an address or host name alone, such as 127.0.0.1, ::1 or 0.0.0.0');

export const namespace = z.string().regex(/^[\w.-]{1,64}$/, 'must be 1 to 64 letters, digits, "-", "_" or "."');

/** A rate limit as its one text: what is stored in Redis, and can be compared there. */
export const rateLimit = z.string().transform((text, context) => {
  const limit = parseRateLimit(text);
  if (limit) return formatRateLimit(limit);
  context.issues.push({ code: 'custom', message: RATE_LIMIT_RULE, input: text });
  return z.NEVER;
});

/** No problem ever quotes the URL: it may hold a password. */
function redisUrlProblem(text: string): string | undefined {
  if (ADDRESS_LIST.test(text)) {
    return 'must be one URL: several addresses (a Redis Cluster) are not supported yet';
  }
  const url = /^rediss?:\/\//i.test(text) && !/[\p{Cc}\s]/u.test(text) ? URL.parse(text) : null;
  if (!url?.hostname || !isDecodable(url.username) || !isDecodable(url.password)) {
    return 'must look like redis://host:port or rediss://user:password@host:port, with special characters of the password percent-encoded';
  }
  return /^(?:\/\d*)?$/.test(url.pathname) ? undefined : 'must have a database number after the port, or nothing';
}

/** The client decodes user and password, and throws the whole URL at us if it can't. */
function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}
