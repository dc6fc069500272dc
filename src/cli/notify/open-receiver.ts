import {
  createReceiver,
  openDispatcher,
  openWebhookSecrets,
  parseEndpoint,
  type Receiver,
} from '../../notify/index.ts';
import type { Config } from '../../shared/config/config.ts';
import { ConfigError } from '../../shared/errors/errors.ts';
import type { WorkerLogger } from '../../shared/logging/worker-logger.ts';

/** The options that name a receiver. */
export interface ReceiverFlags {
  url: string;
  secretFile: string;
  timeoutMs: number;
  allowHttp?: boolean;
}

export interface OpenReceiver extends Receiver {
  /** Names the receiver without the path and query of its URL, which can contain a secret. */
  origin: string;
  /** Closes its connections. */
  close(): Promise<void>;
}

/** @throws ConfigError for a URL, a file or a proxy that can't be used. */
export function openReceiver(
  { url: text, secretFile, timeoutMs, allowHttp = false }: ReceiverFlags,
  { config, connections, logger }: { config: Config; connections: number; logger: WorkerLogger },
): OpenReceiver {
  const endpoint = parseEndpoint(text, allowHttp);
  if ('problem' in endpoint) throw new ConfigError([`--url: ${endpoint.problem}`]);
  const { url } = endpoint;
  const secrets = openWebhookSecrets(secretFile, logger);
  const { httpsProxy, httpProxy, noProxy } = config;
  const dispatcher = openDispatcher({
    connections,
    connectTimeoutMs: Math.ceil(timeoutMs / 2),
    httpsProxy,
    httpProxy,
    noProxy,
  });
  return {
    ...createReceiver({ url, secrets, timeoutMs, dispatcher }),
    origin: url.origin,
    close: async () => await dispatcher.destroy(),
  };
}
