import { createHash } from 'node:crypto';
import type { SendRequest } from '../../shared/model/message.ts';

const MAX_EXAMPLES = 10;

/** The number of occurrences of something, and the first ones. */
export interface Findings<Example> {
  count: number;
  /** The first occurrences, at most 10. */
  examples: Example[];
}

interface MessageExample extends SendRequest {
  /** When the later message was accepted (for overlaps: when it arrived), in ms since 1970. */
  at: number;
}

/** A message that was accepted more than once. */
export interface DuplicateExample extends MessageExample {
  firstAt: number;
}

/** A message that was first accepted after a later message of its conversation. */
export interface DisorderExample extends MessageExample {
  sequence: number;
  /** The highest number that was accepted in this conversation before. */
  after: number;
}

/** A request that arrived while the client of an earlier request of its conversation still waited for an answer. */
export interface OverlapExample extends MessageExample {
  /** The message of the earlier request. */
  during: SendRequest['message'];
}

/** The fake API's findings about the order and the uniqueness of messages. */
export interface DeliveryFindings {
  /** Messages that were accepted again. */
  duplicates: Findings<DuplicateExample>;
  outOfOrder: Findings<DisorderExample>;
  overlaps: Findings<OverlapExample>;
}

export interface DeliveryChecks {
  /** Notes an open request. @returns a function to call when the answer starts or the client is gone. */
  opened: (request: SendRequest, at: number) => () => void;
  accepted: (request: SendRequest, at: number) => void;
  findings: () => DeliveryFindings;
}

/** Finds duplicates, disorder and overlaps per conversation. Keeps a few bytes per message instead of the message. */
export function createDeliveryChecks(options: {
  identify: (request: SendRequest) => string;
  sequenceOf: (request: SendRequest) => number | null;
}): DeliveryChecks {
  const firstAcceptance = new Map<string, number>();
  const highestSequence = new Map<string, number>();
  const open = new Map<string, Set<SendRequest>>();
  const duplicates: Findings<DuplicateExample> = { count: 0, examples: [] };
  const outOfOrder: Findings<DisorderExample> = { count: 0, examples: [] };
  const overlaps: Findings<OverlapExample> = { count: 0, examples: [] };

  function checkOrder(request: SendRequest, conversation: string, at: number): void {
    const sequence = options.sequenceOf(request);
    if (sequence === null) return;
    const after = highestSequence.get(conversation);
    if (after !== undefined && after > sequence) note(outOfOrder, { ...request, at, sequence, after });
    else highestSequence.set(conversation, sequence);
  }

  return {
    opened(request, at) {
      const conversation = conversationOf(request);
      const others = open.get(conversation) ?? new Set();
      const [earlier] = others;
      if (earlier !== undefined) note(overlaps, { ...request, at, during: earlier.message });
      open.set(conversation, others.add(request));
      return () => {
        others.delete(request);
        if (others.size === 0 && open.get(conversation) === others) open.delete(conversation);
      };
    },
    accepted(request, at) {
      const conversation = conversationOf(request);
      const identity = fingerprint(conversation + options.identify(request));
      const firstAt = firstAcceptance.get(identity);
      if (firstAt !== undefined) {
        note(duplicates, { ...request, at, firstAt });
        return;
      }
      firstAcceptance.set(identity, at);
      checkOrder(request, conversation, at);
    },
    findings: () => structuredClone({ duplicates, outOfOrder, overlaps }),
  };
}

function conversationOf({ pageId, conversationId }: SendRequest): string {
  return JSON.stringify([pageId, conversationId]);
}

function fingerprint(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 22);
}

function note<Example>(findings: Findings<Example>, example: Example): void {
  findings.count++;
  if (findings.examples.length < MAX_EXAMPLES) findings.examples.push(example);
}
