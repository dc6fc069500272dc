/** A script that reads very many dead letters, and reports the cost. */
import { openDeadLetters } from '../../src/dead-letters/index.ts';

const [redisUrl = '', namespace = ''] = process.argv.slice(2);
await using deadLetters = openDeadLetters({ redisUrl, namespace });

await deadLetters.count();
const startBytes = process.memoryUsage().rss;
let peakBytes = 0;
const measure = (): void => void (peakBytes = Math.max(peakBytes, process.memoryUsage().rss));
const measuring = setInterval(measure, 20);

async function pages(filter: Parameters<typeof deadLetters.list>[0]): Promise<number> {
  let seen = 0;
  for (let after: string | undefined, isLast = false; !isLast;) {
    const page = await deadLetters.list({ ...filter, limit: 1000, after });
    seen += page.length;
    after = page.at(-1)?.id;
    isLast = page.length < 1000;
  }
  return seen;
}

const found = {
  listed: await pages({}),
  rare: (await deadLetters.list({ label: 'rare', limit: 1000 })).length,
  counted: await deadLetters.count({ reason: 'exhausted', pageId: 'p1' }),
  exported: 0,
};
for await (const _entry of deadLetters.export()) found.exported += 1;
clearInterval(measuring);
measure();
process.stdout.write(`${JSON.stringify({ ...found, grownBytes: peakBytes - startBytes })}\n`);
