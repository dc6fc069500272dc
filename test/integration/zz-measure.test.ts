import { it } from 'vitest';
import { setTimeout as delay } from 'node:timers/promises';
import { connectPatiently } from '../../src/shared/redis.ts';
import { createKeeper } from '../support/limits/keepers.ts';
import { startTestRedis } from '../support/redis.ts';
it('measures', async () => {
  await using server = await startTestRedis();
  for (const [shards, rate] of [[1, undefined], [1, '50/s'], [4, '50/s']] as const) {
    const clients = Array.from({ length: 8 }, () => connectPatiently(server.url));
    const keepers = clients.map((c, i) => createKeeper(c, `m${shards}${rate}`, `w${i}`, { shards, ...(rate && { rate }) }));
    for (const k of keepers) await k.start();
    for (const k of keepers) await k.beat();
    const timers = keepers.flatMap((k) => [setInterval(() => void k.tick(), 1000), setInterval(() => void k.beat(), 10_000)]);
    await delay(1500);
    const count = async () => Number(/total_commands_processed:(\d+)/.exec(await clients[0]!.info('stats'))?.[1]);
    const before = await count(); const t = performance.now();
    await delay(20000);
    console.log(shards, rate, 'commands/s of 8 workers', (((await count()) - before) * 1000 / (performance.now() - t)).toFixed(1));
    for (const x of timers) clearInterval(x);
    for (const c of clients) c.disconnect();
  }
}, 120000);
