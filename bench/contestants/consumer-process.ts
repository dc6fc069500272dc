/** Acknowledges each event of a group. Arguments: the Redis, the group. */
import { openEvents } from '../../src/events/index.ts';

const [, , redisUrl = '', group = ''] = process.argv;
process.on('disconnect', () => process.exit(0));
process.send?.('ready');
for await (const event of openEvents({ redisUrl, group })) await event.ack();
