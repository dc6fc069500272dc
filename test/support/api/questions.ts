import type { AcceptedMessage, FakeKitechatReport, Fault } from '../../../src/testing/index.ts';

/** When something happened to the one message of a conversation, in ms of the machine's monotonic clock. */
export interface Moment {
  conversationId: string;
  atMs: number;
}

/** What the process of the fake API can be asked. */
export interface ApiMethods {
  /** Forgets all that was received. */
  forget(): void;
  setFaults(faults: Fault[]): void;
  /** Shuts the gate: connections are refused, and open ones are cut. */
  shut(): Promise<void>;
  open(): Promise<void>;
  /** What was accepted and received so far, and the connections that were cut. */
  counts(): { accepted: number; requests: number; cut: number };
  accepted(): AcceptedMessage[];
  report(): FakeKitechatReport;
  arrivalsOf(pageId: string): Moment[];
}

/** What the process says first. */
export interface ApiReady {
  /** Through the gate. */
  url: string;
  /** Past the gate. */
  directUrl: string;
}

export interface ApiQuestion {
  id: number;
  method: keyof ApiMethods;
  args: unknown[];
}

export interface ApiAnswer {
  id: number;
  result: unknown;
}
