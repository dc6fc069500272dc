import { createHash } from 'node:crypto';
import type { SendRequest } from '../../shared/model/message.ts';

const MAX_EXAMPLES = 10;

/** How often something happened, and the first few times that it did. */
export interface Findings<Example> {
  count: number;
  /** The first ones, at most 10. */
  examples: Example[];
}

interface MessageExample extends SendRequest {
  /** When the later one was accepted (for overlaps: when it arrived), in ms since 1970. */
  at: number;
}

/** A message that was accepted again. */
export interface DuplicateExample extends MessageExample {
  firstAt: number;
}

/** A message whose first acceptance came after that of a later one of its conversation. */
export interface DisorderExample extends MessageExample {
  sequence: number;
  /** The highest number accepted in this conversation before. */
  after: number;
}

/** A request that came while an earlier one of its conversation had no answer yet and its client still waited. */
export interface OverlapExample extends MessageExample {
  /** The message of the earlier request. */
  during: SendRequest['message'];
}

/** What the fake API found out about the order and the uniqueness of what it got. */
export interface DeliveryFindings {
  /** Acceptances of a message that had been accepted before. */
  duplicates: Findings<DuplicateExample>;
  outOfOrder: Findings<DisorderExample>;
  overlaps: Findings<OverlapExample>;
}

export interface DeliveryChecks {
  /** Notes an open request; call what it returns as soon as the answer starts or the client is gone. */
  opened: (request: SendRequest, at: number) => () => void;
  accepted: (request: SendRequest, at: number) => void;
  findings: () => DeliveryFindings;
}

/** Watches duplicates, order and overlaps per conversation. Keeps a few bytes per message, not the message. */
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
