import * as z from 'zod';
import { fields } from '../../shared/validation/issues.ts';
import type { SendRequest } from '../../shared/model/message.ts';
import { canonicalJson } from './canonical-json.ts';
import { intFrom, numberFrom } from './bounded-number.ts';
import { MAX_TIMER_MS } from '../../shared/model/time.ts';
import { faultsSchema } from './fault-schema.ts';
import type { Fault } from './faults.ts';
import { parseOptions } from './parse-options.ts';
import { sequenceOf } from './sequence-of.ts';

/** The success response of the fake API: `{"success":true}`, `{"success":1}`, the bare text `Ok`, or the three in turn. */
export type SuccessAnswer = 'success-true' | 'success-1' | 'ok-text' | 'rotate';

export interface FakeKitechatOptions {
  /** The address to listen on. Default `127.0.0.1`. Another address opens the fake API to other machines. */
  host?: string;
  /** Default 0: a free port. */
  port?: number;
  /** The accepted keys; a request with another key, or without a key, gets a 401. Default: every key is accepted. */
  apiKeys?: string[];
  /** The faults to inject, see `Fault`. Default: none. */
  faults?: Fault[];
  /** Decides which requests get a fault with a `rate`: the same seed and messages give the same faults. Default 1. */
  seed?: number;
  /** The delay of every answer, in ms. Default 0. A message is accepted when its request has arrived, not when it is answered. */
  latencyMs?: number;
  /** Default `success-true`. */
  answer?: SuccessAnswer;
  /**
   * The maximum length of `requests` and of `accepted`; the oldest are dropped first. The report counts all.
   * Default 100,000.
   */
  keepRequests?: number;
  /** The identity of a message, to recognize duplicates in a conversation. Default: the whole request as canonical JSON. */
  identify?: (request: SendRequest) => string;
  /**
   * The place of a message in its conversation, or `null` if it has none. Default: the last integer in `message.text`,
   * else in the path of `message.url`, else in the template's body or header.
   */
  sequenceOf?: (request: SendRequest) => number | null;
}

const optionsSchema = fields({
  host: z.string().min(1, 'must not be empty').default('127.0.0.1'),
  port: intFrom(0, 65_535).default(0),
  apiKeys: z.array(z.string().min(1, 'must not be empty')).min(1, 'omit it to accept every key').optional(),
  faults: faultsSchema.default([]),
  seed: intFrom(Number.MIN_SAFE_INTEGER).default(1),
  latencyMs: numberFrom(0, MAX_TIMER_MS).default(0),
  answer: z.enum(['success-true', 'success-1', 'ok-text', 'rotate']).default('success-true'),
  keepRequests: intFrom(0).default(100_000),
  identify: z.custom<(request: SendRequest) => string>(isFunction, 'must be a function').default(() => canonicalJson),
  sequenceOf: z
    .custom<(request: SendRequest) => number | null>(isFunction, 'must be a function')
    .default(() => sequenceOf),
});

export type ResolvedFakeKitechatOptions = z.infer<typeof optionsSchema>;

/** @throws ConfigError naming every problem, such as `faults[0].rate` or an unknown option. */
export function resolveFakeKitechatOptions(options: FakeKitechatOptions): ResolvedFakeKitechatOptions {
  return parseOptions(optionsSchema, options);
}

function isFunction(value: unknown): boolean {
  return typeof value === 'function';
}
