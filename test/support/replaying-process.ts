/** An operator's script that replays all dead letters of a namespace, and prints the result. */
import { openDeadLetters } from '../../src/dead-letters/index.ts';

const [redisUrl = '', namespace = ''] = process.argv.slice(2);
await using deadLetters = openDeadLetters({ redisUrl, namespace });
process.stdout.write(`${JSON.stringify(await deadLetters.replay({ all: true }))}\n`);
