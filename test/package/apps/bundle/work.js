import { createWorker } from 'kitechat-sender/worker';

const { REDIS_URL: redisUrl, KITECHAT_NAMESPACE: namespace, KITECHAT_API_URL: apiUrl } = process.env;
const worker = createWorker({ redisUrl, namespace, apiUrl, apiKey: 'key' });
worker.on('attempt', () => void worker.close());
void worker.run();
