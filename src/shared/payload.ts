import { z } from 'zod';
import { type UnknownOutcomePolicy, unknownOutcomePolicies } from './enqueue-options.ts';
import type { SendRequest } from './message.ts';

/** What a job of the send queue carries. The version lets a later release read what an earlier one stored. */
export interface MessagePayload {
  v: 1;
  request: SendRequest;
  label?: string;
  onUnknownOutcome?: UnknownOutcomePolicy;
  /** The id of the dead letter that this message sends again. */
  replayOf?: string;
}

const payloadSchema = z.strictObject({
  v: z.literal(1),
  request: z.looseObject({
    pageId: z.string(),
    conversationId: z.string(),
    message: z.looseObject({ type: z.string() }),
  }),
  label: z.string().optional(),
  onUnknownOutcome: z.enum(unknownOutcomePolicies).optional(),
  replayOf: z.string().optional(),
});

/** Reads a job's data; `null` if this version can't read it. */
export function decodePayload(data: unknown): MessagePayload | null {
  // The data itself is returned, not zod's copy: what is sent is exactly what was stored.
  return payloadSchema.safeParse(data).success ? (data as MessagePayload) : null;
}

/** Reads a job's data as it stands in Redis; `null` if it is no JSON, or this version can't read it. */
export function parsePayload(json: string): MessagePayload | null {
  try {
    return decodePayload(JSON.parse(json));
  } catch {
    return null;
  }
}
