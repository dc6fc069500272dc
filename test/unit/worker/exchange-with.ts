import { Agent } from 'undici';
import { expect, onTestFinished } from 'vitest';
import type { OutcomeKind } from '../../../src/shared/model/attempts.ts';
import type { HttpRequest } from '../../../src/worker/http/http-request.ts';
import type { Exchange, ExchangeFailure } from '../../../src/worker/http/exchange.ts';
import {
  createSender,
  type Sender,
  type SenderConfig,
  type SenderHooks,
  type SendOptions,
} from '../../../src/worker/http/sender.ts';
import { judge } from './exchanges.ts';
import { readableLogger } from './log-lines.ts';

/** A sender that goes with the test. */
export function openSender(
  origin: string,
  config: Partial<SenderConfig> = {},
  hooks: Partial<SenderHooks> = {},
): Sender {
  const { logger } = readableLogger();
  const sender = createSender(
    {
      apiUrl: `${origin}/send`,
      timeoutMs: 5000,
      concurrency: 1,
      keepAliveMs: 1000,
      proxy: null,
      tls: {},
      ...config,
    },
    { logger, ...hooks },
  );
  onTestFinished(() => sender.close());
  return sender;
}

export function sendOptions(options: Partial<SendOptions> = {}): SendOptions {
  return { apiKey: 'key-1', startBefore: Infinity, signal: undefined, ...options };
}

/** A pool that goes with the test, set up as the sender's. */
export function openAgent(options: Agent.Options = {}): Agent {
  const agent = new Agent({ connections: 1, pipelining: 1, allowH2: false, ...options });
  onTestFinished(() => agent.destroy());
  return agent;
}

export function requestTo(origin: string, request: Partial<HttpRequest> = {}): HttpRequest {
  return {
    origin,
    path: '/send',
    headers: { 'content-type': 'application/json', apikey: 'key-1' },
    body: '{"n":1}',
    timeoutMs: 5000,
    startBefore: Infinity,
    signal: undefined,
    ...request,
  };
}

export function kindOf(exchange: Exchange): OutcomeKind {
  return judge(exchange).kind;
}

/** Nothing of it reached a socket, and it counts as that. */
export function expectNotSent(exchange: Exchange, failure: ExchangeFailure): void {
  expect(exchange).toMatchObject({ reachedSocket: false, failure });
  expect(kindOf(exchange)).toBe('not-sent');
}
