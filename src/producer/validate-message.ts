import { parseEnqueueOptions } from '../shared/model/enqueue-options.ts';
import type { MessageIssue } from '../shared/errors/errors.ts';
import { parseSendRequest } from '../shared/model/message.ts';
import type { Sealing } from '../shared/sealing/sealing.ts';
import type { MessageToStore } from '../shared/actions/store-message.ts';

export type Validated = MessageToStore | { issues: readonly MessageIssue[] };

export interface MessageDefaults {
  ttlMs: number;
  sealing: Sealing;
}

/** Checks a request and its options together, so that all problems are reported at once. */
export function validateMessage(
  request: unknown,
  options: unknown,
  { ttlMs: defaultTtlMs, sealing }: MessageDefaults,
): Validated {
  const parsed = parseSendRequest(request);
  const parsedOptions = parseEnqueueOptions(options);
  if (!parsed.ok || !parsedOptions.ok) {
    return { issues: [...(parsed.ok ? [] : parsed.issues), ...(parsedOptions.ok ? [] : parsedOptions.issues)] };
  }
  const { idempotencyKey, ttlMs = defaultTtlMs, priority, label, onUnknownOutcome } = parsedOptions.options;
  return {
    payload: {
      request: parsed.request,
      ...(label === undefined ? {} : { label }),
      ...(onUnknownOutcome === undefined ? {} : { onUnknownOutcome }),
    },
    body: parsed.body,
    ttlMs,
    due: dueOf(parsedOptions.options),
    priority,
    idempotency: idempotencyKey === undefined ? undefined : idempotencyOf(idempotencyKey, parsed.body, sealing),
  };
}

/** Like `validateMessage`, for an item of a batch, which has request fields and options in one object. */
export function validateItem(item: unknown, defaults: MessageDefaults): Validated {
  if (typeof item !== 'object' || item === null || Array.isArray(item)) {
    return { issues: [{ path: '', message: 'must be an object with pageId, conversationId and message' }] };
  }
  const { pageId, conversationId, message, ...options } = item as Record<string, unknown>;
  const result = validateMessage({ pageId, conversationId, message }, options, defaults);
  if (!('issues' in result)) return result;
  return {
    issues: result.issues.map(({ path, message: text }) => ({ path: path.replace(/^options\./, ''), message: text })),
  };
}

function dueOf({
  delayMs,
  sendAt,
}: {
  delayMs?: number | undefined;
  sendAt?: Date | undefined;
}): MessageToStore['due'] {
  if (sendAt !== undefined) return { atMs: sendAt.getTime() };
  return delayMs === undefined ? undefined : { delayMs };
}

function idempotencyOf(key: string, body: string, sealing: Sealing): MessageToStore['idempotency'] {
  return {
    key,
    requestHash: sealing.requestHash(body),
    isSameRequest: (hash) => sealing.isHashOf(body, hash),
  };
}
