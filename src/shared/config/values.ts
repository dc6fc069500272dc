import * as z from 'zod';

import { ADDRESS_LIST_RULE, parseAddressList } from './address-list.ts';
import { formatRateLimit, parseRateLimit, RATE_LIMIT_RULE } from '../model/rate-limit.ts';
import { ledgerPlaceProblem } from '../ledger/place.ts';
import { NAT_MAP_RULE, parseNatMap } from './nat-map.ts';
import { redisUrlProblem } from './redis-addresses.ts';
import { ALL_SHARDS, parseShardList, SHARD_LIST_RULE } from './shard-list.ts';
import { httpUrl, wholeNumberBetween } from '../validation/rules.ts';

const PART_RULE = 'must be a number above 0, up to 1, such as 0.85';
const DIGITS = /^\s*-?\d{1,16}\s*$/;

/** A whole number, or its digits as text, as in environment variables. `1e3`, `0x10` and `5.0` are refused. */
export function wholeNumber(min: number, max: number) {
  return z.preprocess(fromDigits, wholeNumberBetween(min, max));
}

const DECIMAL = /^\s*(?:0?\.\d{1,6}|1(?:\.0{1,6})?)\s*$/;

/** A part of a whole: a number above 0, up to 1, or its digits as text. */
export const part = z.preprocess(
  (value) => (typeof value === 'string' && DECIMAL.test(value) ? Number(value) : value),
  z.number(PART_RULE).gt(0, PART_RULE).lte(1, PART_RULE),
);

/** `auto`, or a whole number. */
export function autoOrWholeNumber(min: number, max: number) {
  const error = `must be auto or a whole number from ${min} to ${max}`;
  return z.preprocess(fromDigits, z.union([z.literal('auto'), wholeNumberBetween(min, max, error)], { error }));
}

/** `true` or `false`, also as text, as in environment variables. */
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

/** The URL of a PostgreSQL, or a folder. */
export const ledgerPlace = z.string().check((context) => {
  const problem = ledgerPlaceProblem(context.value);
  if (problem !== undefined) context.issues.push({ code: 'custom', message: problem, input: context.value });
});

/** Addresses that servers announce, with those under which they are reached from here. */
export const natMap = z.string().refine((text) => parseNatMap(text) !== null, NAT_MAP_RULE);

export const endpointUrl = httpUrl.refine((url) => {
  const { username, password } = URL.parse(url) ?? {};
  return !username && !password;
}, 'must not contain a user or password: put the API key into KITECHAT_API_KEY');

/** A text that can be sent in a header without encoding. */
export const headerToken = z
  .string()
  .regex(/^[\u0021-\u007e]+$/, 'must consist of visible ASCII characters, without spaces or line breaks')
  .max(4096, 'must be at most 4096 characters long');

const MIN_TOKEN_LENGTH = 16;
/** With this length, the form of a login stays small. */
const MAX_TOKEN_LENGTH = 1024;

/** The token for the console. A short token could be guessed. */
export const consoleToken = headerToken
  .min(
    MIN_TOKEN_LENGTH,
    `must be at least ${MIN_TOKEN_LENGTH} characters long, such as the output of "openssl rand -hex 32"`,
  )
  .max(MAX_TOKEN_LENGTH, `must be at most ${MAX_TOKEN_LENGTH} characters long`);

/** Addresses and networks, as text. */
export const addressList = z.string().refine((text) => parseAddressList(text) !== null, ADDRESS_LIST_RULE);

/** The host to listen on: an address, or a host name of this machine. */
export const listenHost = z
  .string()
  .regex(/^[\w.:%-]{1,253}$/, 'must be an address or host name without a port, such as 127.0.0.1, ::1 or 0.0.0.0');

export const namespace = z.string().regex(/^[\w.-]{1,64}$/, 'must be 1 to 64 letters, digits, "-", "_" or "."');

/** The shards that a worker serves, as text. */
export const shardList = z
  .string()
  .refine((text) => text === ALL_SHARDS || parseShardList(text) !== null, SHARD_LIST_RULE);

/** The part of something that is logged, as text. */
export const loggedPart = z
  .string()
  .regex(/^(?:0\/1|1\/[1-9]\d{0,5})$/, 'must be 1/1 for all, 1/n for one in n, such as 1/100, or 0/1 for none');

/** A rate limit as normalized text, which is stored in Redis and can be compared there. */
export const rateLimit = z.string().transform((text, context) => {
  const limit = parseRateLimit(text);
  if (limit) return formatRateLimit(limit);
  context.issues.push({ code: 'custom', message: RATE_LIMIT_RULE, input: text });
  return z.NEVER;
});
