import type { Socket } from 'node:net';
import ky, { type Hooks, type KyInstance } from 'ky';
import { pino } from 'pino';
import { expect } from 'vitest';
import type { OutcomeKind } from '../../../src/shared/model/attempts.ts';
import type { Exchange } from '../../../src/worker/http/exchange.ts';
import { ok, type ReceivedRequest, startBrokenServer } from './broken-server.ts';
import { kindOf, openSender, sendOptions } from './exchange-with.ts';

export const messageBody = JSON.stringify({ pageId: 'p1', message: { type: 'text', text: 'Xin chào 👋' } });

/** As a hook fails: with what must not be logged on it. */
export function bug(): never {
  const secrets = { request: { headers: { apikey: 'secret-key-1' } } };
  throw Object.assign(new RangeError('the key is secret-key-1'), secrets);
}

export async function hang(): Promise<never> {
  return await new Promise(() => {});
}

/** A hook that hangs, and gives the message up when it does. */
export function givesUpAndHangs(): { hook: () => Promise<never>; signal: AbortSignal } {
  const stop = new AbortController();
  const hook = async (): Promise<never> => {
    stop.abort();
    return await hang();
  };
  return { hook, signal: stop.signal };
}

export const withHooks = (hooks: Hooks): KyInstance => ky.create({ hooks });

export interface Sent {
  exchange: Exchange;
  kind: OutcomeKind;
  /** What arrived. */
  requests: { line: string; headers: Record<string, string>; body: string }[];
  logged: { level: number; msg: string; err?: { type: string; stack: string } }[];
}

export interface SendThrough {
  answer?: (socket: Socket) => void;
  timeoutMs?: number;
  signal?: AbortSignal;
}

/** Sends one message through a ky instance to a server that answers as it is told. Fails if a secret is logged. */
export async function sendThrough(
  instance: KyInstance,
  { answer, timeoutMs = 5000, signal }: SendThrough = {},
): Promise<Sent> {
  const server = await startBrokenServer({ answer: answer ?? ok });
  const lines: string[] = [];
  // Not our own logger: it would leave the secrets out by itself.
  const logger = pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) });
  const sender = openSender(server.origin, { timeoutMs }, { ky: instance, logger });
  const exchange = await sender.send(messageBody, sendOptions({ apiKey: 'secret-key-1', ...(signal && { signal }) }));
  expect(lines.join('')).not.toContain('secret');
  const logged = lines.map((line) => JSON.parse(line) as Sent['logged'][0]);
  return { exchange, kind: kindOf(exchange), requests: server.received.map(readable), logged };
}

function readable({ head: [line = '', ...rest], body }: ReceivedRequest): Sent['requests'][0] {
  const headers = rest.map((header) => header.split(/: (.*)/).slice(0, 2) as [string, string]);
  return { line, headers: Object.fromEntries(headers), body: body.toString() };
}
