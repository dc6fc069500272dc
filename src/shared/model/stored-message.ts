import * as z from 'zod';
import { type UnknownOutcomePolicy, unknownOutcomePolicies } from './enqueue-options.ts';
import type { SendRequest } from './message.ts';
import { parseJson } from '../validation/parse-json.ts';

/** A request whose message is encrypted. Its ids stay readable, because lanes, filters and dashboards need them. */
export interface SealedRequest {
  pageId: string;
  conversationId: string;
  /** The encrypted message, in place of `message`. */
  sealed: string;
}

/** A request as Redis stores it. */
export type StoredRequest = SendRequest | SealedRequest;

/** A message to be stored. */
export interface MessagePayload {
  request: SendRequest;
  label?: string;
  onUnknownOutcome?: UnknownOutcomePolicy;
  /** The id of the dead letter that this message replays. */
  replayOf?: string;
}

/** A message as Redis stores it: its content may be encrypted. */
export interface StoredMessage extends Omit<MessagePayload, 'request'> {
  request: StoredRequest;
}

/** The fields of a message's job that contain the message. */
export const storedFields = ['data', 'label', 'policy', 'replays'] as const;

/** A limit above all that producers store: these texts go to logs and the console, and others can write to Redis, too. */
const word = z.string().max(512);
/** A limit above the longest encrypted message, which has 90 KiB. */
const MAX_SEALED_LENGTH = 128 * 1024;

const more = {
  label: word.optional(),
  onUnknownOutcome: z.enum(unknownOutcomePolicies).optional(),
  replayOf: word.optional(),
};

const requestSchema = z.union([
  z.looseObject({
    pageId: word,
    conversationId: word,
    message: z.looseObject({ type: word }),
    sealed: z.never().optional(),
  }),
  z.strictObject({ pageId: word, conversationId: word, sealed: z.string().max(MAX_SEALED_LENGTH) }),
]);
const optionsSchema = z.object(more);

type StoredOptions = Omit<StoredMessage, 'request'>;
type StoredFields = Record<(typeof storedFields)[number], string | null>;

/** Reads the options that are stored with a request; `null` if this version can't read them. */
export function readOptions({ label, policy, replays }: Omit<StoredFields, 'data'>): StoredOptions | null {
  if (label === null && policy === null && replays === null) return {};
  const options = {
    ...(label === null ? {} : { label }),
    ...(policy === null ? {} : { onUnknownOutcome: policy }),
    ...(replays === null ? {} : { replayOf: replays }),
  };
  return optionsSchema.safeParse(options).success ? (options as StoredOptions) : null;
}

/** Reads a message from the fields of its job; `null` if this version can't read it. */
export function readStored({ data, ...fields }: StoredFields): StoredMessage | null {
  const request = readRequest(data);
  const options = readOptions(fields);
  return request && options && { request, ...options };
}

/** Reads the request of a message; `null` if this version can't read it. */
export function readRequest(data: string | null): StoredRequest | null {
  const request = parseJson(data ?? '');
  // The request itself is returned, not zod's copy, so that exactly the stored request is sent.
  return requestSchema.safeParse(request).success ? (request as StoredRequest) : null;
}
