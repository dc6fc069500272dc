import { createHmac } from 'node:crypto';

/** What the signatures of one attempt cover. */
export interface Signed {
  id: string;
  /** When the attempt is made, in seconds since 1970. */
  timestamp: number;
  body: string;
}

/** The headers that the Standard Webhooks specification asks for. */
export type WebhookHeaders = Record<'webhook-id' | 'webhook-timestamp' | 'webhook-signature', string>;

/** Signs an attempt with each secret, so that a receiver accepts it before, during and after a change of the secret. */
export function webhookHeaders(secrets: readonly Uint8Array[], { id, timestamp, body }: Signed): WebhookHeaders {
  const content = `${id}.${timestamp}.${body}`;
  const signatures = secrets.map((secret) => `v1,${createHmac('sha256', secret).update(content).digest('base64')}`);
  return { 'webhook-id': id, 'webhook-timestamp': String(timestamp), 'webhook-signature': signatures.join(' ') };
}
