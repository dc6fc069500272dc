import { createHash } from 'node:crypto';
import type { SendRequest } from '../../shared/model/message.ts';
import { canonicalJson } from './canonical-json.ts';
import type { AnsweringFault, Fault } from './faults.ts';
import { drawFor } from './random.ts';

/** The latency of a request, and then its fault; `null` for a plain answer. */
export interface PickedFaults {
  latencyMs: number;
  fault: AnsweringFault | null;
}

/**
 * Decides which faults apply to a request.
 *
 * A rate is drawn from the seed, the fault, the message and the number of times the message has arrived, not from a running
 * sequence: the same seed and the same messages give the same faults, in whatever order concurrent requests arrive.
 */
export function createFaultPicker(faults: readonly Fault[], seed: number): (request: SendRequest) => PickedFaults {
  const rules = faults.map((fault) => ({ fault, matched: 0, happened: 0 }));
  const arrivals = new Map<string, number>();
  const hasRates = faults.some(({ rate }) => rate !== undefined);

  function drawOnce(request: SendRequest): string {
    const message = createHash('sha256').update(canonicalJson(request)).digest('base64url').slice(0, 22);
    const arrival = (arrivals.get(message) ?? 0) + 1;
    arrivals.set(message, arrival);
    return `${message} ${arrival}`;
  }

  return (request) => {
    const draw = hasRates ? drawOnce(request) : '';
    const picked: PickedFaults = { latencyMs: 0, fault: null };
    for (const [index, rule] of rules.entries()) {
      const { fault } = rule;
      if (!matches(fault, request)) continue;
      // Counted for every rule, also after the fault that wins, so that other faults don't change which request is the nth.
      rule.matched++;
      if (picked.fault !== null) continue;
      if (fault.match?.nth !== undefined && fault.match.nth !== rule.matched) continue;
      if (fault.times !== undefined && rule.happened >= fault.times) continue;
      if (fault.rate !== undefined && drawFor(seed, `${index} ${draw}`) >= fault.rate) continue;
      rule.happened++;
      if (fault.kind === 'latency') picked.latencyMs += fault.ms;
      else picked.fault = fault;
    }
    return picked;
  };
}

function matches({ match }: Fault, { pageId, conversationId, message }: SendRequest): boolean {
  if (match === undefined) return true;
  return (
    (match.pageId === undefined || match.pageId === pageId) &&
    (match.conversationId === undefined || match.conversationId === conversationId) &&
    (match.type === undefined || match.type === message.type) &&
    (match.textIncludes === undefined || holdsText({ ...message, type: '' }, match.textIncludes))
  );
}

function holdsText(value: unknown, text: string): boolean {
  if (typeof value === 'string') return value.includes(text);
  return typeof value === 'object' && value !== null && Object.values(value).some((inner) => holdsText(inner, text));
}
