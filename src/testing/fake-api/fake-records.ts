import type { SendRequest } from '../../shared/model/message.ts';
import { createDeliveryChecks, type DeliveryFindings } from './delivery-checks.ts';
import type { PickedFaults } from './fault-picker.ts';
import type { FaultKind } from './faults.ts';

/** A request that reached the fake API. All times are ms since 1970, with fractions. */
export interface ReceivedRequest {
  /** When the headers had arrived. */
  readonly arrivedAt: number;
  /** When the answer began; `null` if there is none (yet). */
  answeredAt: number | null;
  /** The status of that answer. */
  status: number | null;
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  /** The names are in lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The parsed JSON, or the text if it is not JSON; `null` until the whole body has arrived. */
  body: unknown;
  accepted: boolean;
  /** The faults that applied to the request. */
  faults: readonly FaultKind[];
}

/** A message that the fake API accepted. */
export interface AcceptedMessage extends SendRequest {
  /** When the message was accepted: right after the last byte of its request. */
  readonly at: number;
  readonly arrivedAt: number;
  /** When the answer began; `null` if the client got none (yet). */
  answeredAt: number | null;
  /** The status of that answer. */
  status: number | null;
}

/** Counts since the start or the last `clear()`. */
export interface FakeKitechatReport extends DeliveryFindings {
  requests: number;
  accepted: number;
  /** Invalid requests, refused with 400, 401, 404, 405 or 413. */
  rejected: number;
  /** How often each kind of fault happened. */
  faults: Partial<Record<FaultKind, number>>;
}

export interface FakeRecords {
  readonly requests: ReceivedRequest[];
  readonly accepted: AcceptedMessage[];
  received: (request: ReceivedRequest) => void;
  rejected: () => void;
  faulted: (request: ReceivedRequest, picked: PickedFaults) => void;
  opened: (request: SendRequest, at: number) => () => void;
  accept: (message: AcceptedMessage) => void;
  acceptedCount: () => number;
  report: () => FakeKitechatReport;
}

/** The records of the fake API from one `clear()` to the next. */
export function createFakeRecords(options: {
  keepRequests: number;
  identify: (request: SendRequest) => string;
  sequenceOf: (request: SendRequest) => number | null;
}): FakeRecords {
  const { keepRequests } = options;
  const checks = createDeliveryChecks(options);
  const requests: ReceivedRequest[] = [];
  const accepted: AcceptedMessage[] = [];
  const counts = { requests: 0, accepted: 0, rejected: 0 };
  const faults: Partial<Record<FaultKind, number>> = {};

  return {
    requests,
    accepted,
    received(request) {
      counts.requests++;
      keep(requests, request, keepRequests);
    },
    rejected() {
      counts.rejected++;
    },
    faulted(request, { latencyMs, fault }) {
      const kinds: FaultKind[] = [];
      if (latencyMs > 0) kinds.push('latency');
      if (fault !== null) kinds.push(fault.kind);
      for (const kind of kinds) faults[kind] = (faults[kind] ?? 0) + 1;
      request.faults = kinds;
    },
    opened: checks.opened,
    accept(message) {
      counts.accepted++;
      keep(accepted, message, keepRequests);
      const { pageId, conversationId, message: content, at } = message;
      checks.accepted({ pageId, conversationId, message: content }, at);
    },
    acceptedCount: () => counts.accepted,
    report: () => ({ ...counts, faults: { ...faults }, ...checks.findings() }),
  };
}

function keep<Item>(items: Item[], item: Item, max: number): void {
  items.push(item);
  // Drops a tenth at a time: shifting a long array for every request would cost more than the request.
  if (items.length > max) items.splice(0, Math.max(1, Math.floor(max / 10)));
}
