import { createWorker } from 'kitechat-sender/worker';

await createWorker({ apiKey: 'any' }).run();
