/**
 * Loads a package, stores one message with it, and tells the processor time of both. Arguments: the package, the store.
 *
 * In JavaScript, because Node would spend more on compiling TypeScript than a contestant needs.
 */
const [, , name = '', storeUrl = ''] = process.argv;
const request = { pageId: 'p1', conversationId: 'c1', message: { type: /** @type {const} */ ('text'), text: 'Hello' } };

const loadings = {
  /** What a team writes first. */
  async bullmq() {
    const [{ Queue }, { Redis }] = await Promise.all([import('bullmq'), import('ioredis')]);
    return async () => {
      const queue = new Queue('send', { connection: new Redis(storeUrl) });
      await queue.add('message', request, { attempts: 8, backoff: { type: 'exponential', delay: 1000 } });
    };
  },
  async 'kitechat-sender'() {
    const { createProducer } = await import('kitechat-sender');
    return async () => void (await createProducer({ redisUrl: storeUrl }).enqueueMessage(request));
  },
};

const atStart = process.cpuUsage();
const store = await loadings[/** @type {keyof typeof loadings} */ (name)]();
const loading = process.cpuUsage(atStart);
await store();
const all = process.cpuUsage(atStart);
process.send?.({ importUs: loading.user + loading.system, allUs: all.user + all.system });
