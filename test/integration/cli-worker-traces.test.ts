import { expect, it } from 'vitest';
import { installWithCli } from '../support/cli-installation.ts';
import { textMessage } from '../support/messages.ts';
import { startOtlpCollector } from '../support/tracing/otlp-collector.ts';
import { useRedis } from '../support/use-redis.ts';
import { startWorkerProcess } from '../support/worker-process.ts';

const used = useRedis();
const sdk = new URL('../support/tracing/sdk-process.ts', import.meta.url).href;

it('the command worker sends its last spans before it ends, with an SDK that is loaded before it', async () => {
  await using collector = await startOtlpCollector();
  await using site = await installWithCli(used, { startWorker: false });
  await using worker = await startWorkerProcess(site.config, {
    NODE_OPTIONS: `--import=${sdk}`,
    COLLECTOR: collector.url,
  });
  const id = await site.enqueue(textMessage('c1', 1));
  await site.until(id, 'delivered');
  expect(collector.spans).toEqual([]);
  worker.kill('SIGTERM');
  expect(await worker.ended()).toBe(0);
  expect(collector.spans).toMatchObject([
    { name: `deliver ${site.config.namespace}`, attributes: { 'messaging.message.id': id } },
  ]);
});
