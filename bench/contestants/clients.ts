import ky from 'ky';
import { Agent, request } from 'undici';
import type { SendRequest } from '../../src/shared/model/message.ts';
import type { ContestantOptions } from './contestant.ts';

export type ClientName = 'ky' | 'undici';

const HEADERS = { apikey: 'key' };
const TIMEOUT_MS = 10_000;

/** Sends one message; it throws if the API didn't take it. */
export type Send = (message: SendRequest) => Promise<void>;

export function clientOf(name: string, options: ContestantOptions): Send {
  return name === 'ky' ? withKy(options) : withUndici(options);
}

/** As one writes it first. */
function withKy({ apiUrl }: ContestantOptions): Send {
  return async (json) => {
    const answer: { success: boolean } = await ky
      .post(apiUrl, { json, headers: HEADERS, timeout: TIMEOUT_MS, retry: 0 })
      .json();
    if (!answer.success) throw new Error('refused');
  };
}

/** The cheapest client that there is for Node. */
function withUndici({ apiUrl, concurrency }: ContestantOptions): Send {
  const agent = new Agent({ connections: concurrency });
  return async (message) => {
    const { statusCode, body } = await request(apiUrl, {
      method: 'POST',
      headers: { ...HEADERS, 'content-type': 'application/json' },
      body: JSON.stringify(message),
      dispatcher: agent,
      headersTimeout: TIMEOUT_MS,
      bodyTimeout: TIMEOUT_MS,
    });
    const answer = (await body.json()) as { success: boolean };
    if (statusCode >= 300 || !answer.success) throw new Error('refused');
  };
}
