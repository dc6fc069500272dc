import type { IncomingMessage } from 'node:http';
import { parseSendRequest, type SendRequest } from '../../shared/model/message.ts';

export const ENDPOINT_PATH = '/kitechat/send-message';

const MAX_BODY_BYTES = 1024 * 1024;

/** A whole body: its JSON, or its text if it is not JSON. */
export interface Body {
  value: unknown;
  isJson: boolean;
  tooLarge: boolean;
}

export type CheckedRequest = { ok: true; request: SendRequest } | { ok: false; status: number; message: string };

/** Reads a body to its end; `null` if the client went away before. Bytes beyond 1 MiB are not kept. */
export async function readBody(req: IncomingMessage): Promise<Body | null> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of req as AsyncIterable<Uint8Array>) {
      bytes += chunk.length;
      if (bytes <= MAX_BODY_BYTES) chunks.push(chunk);
    }
  } catch {
    return null;
  }
  const text = Buffer.concat(chunks).toString('utf8');
  const tooLarge = bytes > MAX_BODY_BYTES;
  try {
    return { value: JSON.parse(text) as unknown, isJson: true, tooLarge };
  } catch {
    return { value: text, isJson: false, tooLarge };
  }
}

/** Checks a request as the API would: path, method, key, then the body against the documented shape. */
export function checkRequest(req: IncomingMessage, body: Body, apiKeys: readonly string[] | undefined): CheckedRequest {
  const path = req.url?.split('?')[0];
  if (path !== ENDPOINT_PATH) return refused(404, `No such endpoint. There is only POST ${ENDPOINT_PATH}`);
  if (req.method !== 'POST') return refused(405, `Use POST for ${ENDPOINT_PATH}`);
  const key = req.headers['apikey'];
  if (apiKeys && (typeof key !== 'string' || !apiKeys.includes(key))) {
    return refused(401, 'Missing or invalid API key (header apikey)');
  }
  if (body.tooLarge) return refused(413, `The body is over ${MAX_BODY_BYTES} bytes`);
  if (!body.isJson || !/^application\/json\b/i.test(req.headers['content-type'] ?? '')) {
    return refused(400, 'The body must be JSON, with the header content-type: application/json');
  }
  const parsed = parseSendRequest(body.value);
  if (parsed.ok) return { ok: true, request: parsed.request };
  return refused(400, parsed.issues.map((issue) => `${issue.path}: ${issue.message}`).join('; '));
}

function refused(status: number, message: string): CheckedRequest {
  return { ok: false, status, message };
}
