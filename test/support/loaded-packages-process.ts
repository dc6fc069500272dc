/** Loads an entry of the package, uses it, and prints the names of the packages that were loaded for that. Argument: the entry. */
import { registerHooks } from 'node:module';

const IN_PACKAGE = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/;
const loaded = new Set<string>();
// Called for each module, whether it is imported or required.
registerHooks({
  load(url, context, next) {
    const [, name] = IN_PACKAGE.exec(url) ?? [];
    if (name !== undefined) loaded.add(name);
    return next(url, context);
  },
});

const request = { pageId: 'p1', conversationId: 'c1', message: { type: 'text', text: 'Hello' } } as const;
const uses: Record<string, () => Promise<void>> = {
  async producer() {
    const { createProducer, enqueueMessage } = await import('../../src/producer/index.ts');
    await enqueueMessage(request);
    await using producer = createProducer({ redisUrl: process.env['REDIS_URL'] });
    const { id } = await producer.enqueueMessage(request, { idempotencyKey: 'once', delayMs: 60_000 });
    await producer.enqueueMessages([request]);
    await producer.getMessage(id);
    await producer.cancelMessage(id);
  },
  async 'dead-letters'() {
    const { openDeadLetters } = await import('../../src/dead-letters/index.ts');
    await using deadLetters = openDeadLetters({ redisUrl: process.env['REDIS_URL'] });
    await deadLetters.list();
    await deadLetters.count();
    await deadLetters.replay({ filter: { reason: 'rejected' } });
    await deadLetters.discard({ filter: { reason: 'rejected' } });
  },
  async worker() {
    const { createWorker } = await import('../../src/worker/index.ts');
    const worker = createWorker({ apiKey: 'key', redisUrl: process.env['REDIS_URL'], logLevel: 'silent' });
    const ready = Promise.withResolvers<void>();
    worker.on('ready', ready.resolve);
    await Promise.race([ready.promise, worker.run()]);
    await worker.close();
  },
};

await uses[process.argv[2] ?? '']?.();
process.stdout.write(JSON.stringify([...loaded]));
