/**
 * Replays dead letters of a page, reason or time after their cause was fixed. Without --send the script only shows what it
 * would do.
 *
 *   node examples/replay/replay.ts --reason rejected --page p1 --since 2026-11-22T10:00:00Z
 *   node examples/replay/replay.ts --reason rejected --page p1 --since 2026-11-22T10:00:00Z --rate 20/s --send
 */
import { parseArgs } from 'node:util';
import { type DeadLetterFilter, openDeadLetters } from 'kitechat-sender/dead-letters';

const SHOWN = 5;

const { values } = parseArgs({
  options: {
    reason: { type: 'string' },
    page: { type: 'string' },
    since: { type: 'string' },
    rate: { type: 'string', default: '20/s' },
    send: { type: 'boolean', default: false },
  },
});
const filter: DeadLetterFilter = {
  reason: values.reason as DeadLetterFilter['reason'],
  pageId: values.page,
  since: values.since === undefined ? undefined : new Date(values.since),
};

await using deadLetters = openDeadLetters({ redisUrl: process.env['REDIS_URL'] });

// Look before you send: did these really die of the cause that you fixed?
const newest = await deadLetters.list({ ...filter, limit: SHOWN });
for (const { id, reason, deadAt, response } of newest) {
  console.error(`${id}  ${reason}  ${deadAt}  HTTP ${response?.httpStatus ?? '–'}`);
}
console.error(`${await deadLetters.count(filter)} match; the newest are shown`);

// After Ctrl-C the entries in progress are finished, and the others stay dead letters.
const interrupted = new AbortController();
process.once('SIGINT', () => interrupted.abort());

const result = await deadLetters.replay({
  filter,
  dryRun: !values.send,
  // Slower than the fleet's limit, so that new messages don't wait behind old ones.
  rate: values.rate,
  signal: interrupted.signal,
  onReplayed: (id, newId) => console.error(`${id} is sent again as ${newId}`),
});
console.log(JSON.stringify(result));
if (values.send && result.done < result.matched) process.exitCode = 1;
