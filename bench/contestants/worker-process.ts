/** A worker as a team writes it. Arguments: the module of the adapter, the client, the store, the API, requests at once. */
import type { Adapter } from './adapter.ts';
import { clientOf } from './clients.ts';

const [, , adapterUrl = '', client = '', storeUrl = '', apiUrl = '', atOnce = ''] = process.argv;
const concurrency = Number(atOnce);
const { work } = (await import(adapterUrl)) as Adapter;
await work({ storeUrl, concurrency, send: clientOf(client, { apiUrl, concurrency }) });
process.on('disconnect', () => process.exit(0));
process.send?.('ready');
