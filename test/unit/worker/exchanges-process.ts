import ky from 'ky';
import { createLogger } from '../../../src/shared/logging/logger.ts';
import { createSender } from '../../../src/worker/http/sender.ts';

/**
 * Makes one exchange of each kind with a deadline far away, prints what became of them and has nothing left to do: the
 * process ends unless a timer, a listener or a socket keeps it.
 */
const [answering = '', silent = '', refusing = ''] = process.argv.slice(2);
const farAwayMs = 600_000;
const logger = createLogger({ level: 'silent' });
const config = { timeoutMs: farAwayMs, concurrency: 1, keepAliveMs: 1000, proxy: null, tls: {} };
const options = { apiKey: 'key-1', startBefore: Infinity, signal: undefined };

async function sendTo(origin: string, overrides: { startBefore?: number; signal?: AbortSignal } = {}): Promise<void> {
  const sender = createSender({ ...config, apiUrl: origin }, { logger });
  const { httpStatus, failure } = await sender.send('{}', { ...options, ...overrides });
  process.stdout.write(`${failure?.kind ?? httpStatus}\n`);
}

await sendTo(answering);
await sendTo(refusing);
await sendTo(answering, { startBefore: 0 });
await sendTo(answering, { signal: AbortSignal.abort() });
await sendTo(silent, { signal: AbortSignal.timeout(50) });
const hooks = { logger, fetch: async () => await Promise.resolve(new Response('Ok')) };
for (const more of [hooks, { logger, ky }, { ...hooks, ky }]) {
  const sender = createSender({ ...config, apiUrl: answering }, more);
  process.stdout.write(`${(await sender.send('{}', options)).httpStatus}\n`);
}
