import { startRedisServer } from '../../../src/testing/redis/redis-server.ts';

// Says where its Redis is, then waits to be killed, or forgets about it and ends: what tests must not leave behind.
const { port, dir } = await startRedisServer({ engine: 'path' });
process.stdout.write(`${JSON.stringify({ port, dir })}\n`);
if (process.argv[2] === 'wait') process.stdin.resume();
