/**
 * A program whose dev server evaluates all its code again, twenty times: after each time it enqueues a message. Then it says so, and on its
 * next input closes the default producer, and ends by itself.
 */
import { once } from 'node:events';
import { registerHooks } from 'node:module';
import type * as Package from '../../src/producer/index.ts';

const RELOADS = 20;
const entry = new URL('../../src/producer/index.ts', import.meta.url).href;
const ours = new URL('../../src/', import.meta.url).href;

let reload = 0;
registerHooks({
  resolve(specifier, context, next) {
    const resolved = next(specifier, context);
    return resolved.url.startsWith(ours) ? { ...resolved, url: `${resolved.url}?reload=${reload}` } : resolved;
  },
});

const load = async (): Promise<typeof Package> => {
  reload += 1;
  return (await import(`${entry}?reload=${reload}`)) as typeof Package;
};

const evaluations = new Set<unknown>();
let last = await load();
for (; ; last = await load()) {
  evaluations.add(last.enqueueMessage);
  await last.enqueueMessage({ pageId: 'p1', conversationId: 'c1', message: { type: 'text', text: `Hello ${reload}` } });
  if (reload === RELOADS) break;
}
process.stdout.write(`${JSON.stringify({ evaluations: evaluations.size })}\n`);
await once(process.stdin, 'data');
process.stdin.destroy();
await last.closeDefaultProducer();
process.stdout.write(`${JSON.stringify({ open: process.getActiveResourcesInfo() })}\n`);
