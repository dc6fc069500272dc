import { z } from 'zod';
import { type DeadLetterPayload, deadReasons } from './dead-letter.ts';
import { isoTime } from './iso-time.ts';

const ids = { pageId: z.string(), conversationId: z.string() };
const status = { httpStatus: z.number() };

const letterSchema = z.looseObject({
  v: z.literal([1, 2]),
  reason: z.enum(deadReasons),
  request: z
    .union([
      z.looseObject({ ...ids, message: z.looseObject({ type: z.string() }) }),
      z.looseObject({ ...ids, sealed: z.string() }),
    ])
    .nullable(),
  problem: z.string().optional(),
  enqueuedAt: z.string(),
  attempts: z.array(z.looseObject({ at: z.string(), outcome: z.string(), detail: z.string().nullable() })),
  attemptsUsed: z.number(),
  attemptsAllowed: z.number(),
  response: z
    .union([z.looseObject({ ...status, body: z.string() }), z.looseObject({ ...status, sealed: z.string() })])
    .nullable(),
  label: z.string().nullable(),
  replayOf: z.string().nullable(),
});

/** Reads a dead letter as it stands in Redis. One that can't be read still is one: it is listed, and can be discarded. */
export function parseDeadLetter(json: string): DeadLetterPayload {
  const data = parsed(json);
  // The data itself is returned, not zod's copy: a replay sends exactly what was stored.
  return letterSchema.safeParse(data).success ? (data as DeadLetterPayload) : unreadable();
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

function unreadable(): DeadLetterPayload {
  return {
    v: 1,
    reason: 'undecodable',
    request: null,
    problem: 'the entry itself is none that this version knows',
    enqueuedAt: isoTime(0),
    attempts: [],
    attemptsUsed: 0,
    attemptsAllowed: 0,
    response: null,
    label: null,
    replayOf: null,
  };
}
