import { z } from 'zod';
import { type UnknownOutcomePolicy, unknownOutcomePolicies } from './enqueue-options.ts';
import type { SendRequest } from './message.ts';
import { type SealedRequest, sealRequest } from './sealing/sealed-content.ts';
import type { Sealing } from './sealing/sealing.ts';

/** A message to be stored, or one that is stored as it is. The version lets a later release read what an earlier one stored. */
export interface MessagePayload {
  v: 1;
  request: SendRequest;
  label?: string;
  onUnknownOutcome?: UnknownOutcomePolicy;
  /** The id of the dead letter that this message sends again. */
  replayOf?: string;
}

/** The same with its message encrypted. */
export interface SealedPayload extends Omit<MessagePayload, 'v' | 'request'> {
  v: 2;
  request: SealedRequest;
}

/** What a job of the send queue carries. */
export type StoredPayload = MessagePayload | SealedPayload;

/** What producers store is shorter. It goes to logs and pages, and others can write to Redis, too. */
const word = z.string().max(512);
/** The longest message, encrypted, has 90 KiB. */
const MAX_SEALED_LENGTH = 128 * 1024;

const more = {
  label: word.optional(),
  onUnknownOutcome: z.enum(unknownOutcomePolicies).optional(),
  replayOf: word.optional(),
};

const payloadSchema = z.discriminatedUnion('v', [
  z.strictObject({
    v: z.literal(1),
    request: z.looseObject({
      pageId: word,
      conversationId: word,
      message: z.looseObject({ type: word }),
      sealed: z.never().optional(),
    }),
    ...more,
  }),
  z.strictObject({
    v: z.literal(2),
    request: z.strictObject({ pageId: word, conversationId: word, sealed: z.string().max(MAX_SEALED_LENGTH) }),
    ...more,
  }),
]);

/** A message as it is to be stored under this id: encrypted if there are keys. */
export function sealPayload(sealing: Sealing, id: string, { v, request, ...rest }: MessagePayload): StoredPayload {
  const stored = sealRequest(sealing, id, request);
  return 'sealed' in stored ? { v: 2, request: stored, ...rest } : { v, request: stored, ...rest };
}

/**
 * A job's data as it stands in Redis.
 *
 * @param requestJson the JSON of the request, from a caller who has it already
 */
export function encodePayload(
  { v, request, ...rest }: StoredPayload,
  requestJson: string = JSON.stringify(request),
): string {
  const others = JSON.stringify(rest);
  return `{"v":${v},"request":${requestJson}${others === '{}' ? '' : `,${others.slice(1, -1)}`}}`;
}

/** Reads a job's data; `null` if this version can't read it. */
export function decodePayload(data: unknown): StoredPayload | null {
  // The data itself is returned, not zod's copy: what is sent is exactly what was stored.
  return payloadSchema.safeParse(data).success ? (data as StoredPayload) : null;
}

/** Reads a job's data as it stands in Redis; `null` if it is no JSON, or this version can't read it. */
export function parsePayload(json: string): StoredPayload | null {
  try {
    return decodePayload(JSON.parse(json));
  } catch {
    return null;
  }
}
