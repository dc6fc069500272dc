import type { RedisServer } from '../../src/testing/redis/redis-handle.ts';
import { type CliInstallation, installWithCli } from './cli-installation.ts';
import { eventually } from './eventually.ts';
import { textMessage } from './messages.ts';

/**
 * An installation with dead letters: `rejected` ones, spread over ten conversations of page p1, and `expired` ones of page p2.
 * From then on the API accepts everything.
 */
export async function installWithDead(
  server: Pick<RedisServer, 'url'>,
  { rejected = 0, expired = 0 }: { rejected?: number; expired?: number },
): Promise<CliInstallation> {
  const to = await installWithCli(server, { startWorker: false, api: { faults: [{ kind: 'status', status: 400 }] } });
  const items = [
    ...Array.from({ length: expired }, (_, n) => ({ ...textMessage(`late-${n}`, 1, 'p2'), ttlMs: 1 })),
    ...Array.from({ length: rejected }, (_, n) => textMessage(`c${n % 10}`, 1 + Math.floor(n / 10))),
  ];
  await to.producer.enqueueMessages(items);
  to.startWorker();
  await eventually('all are dead', async () => (await to.deadLetters.count()) === items.length);
  to.api.setFaults([]);
  return to;
}
