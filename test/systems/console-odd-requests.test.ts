import { expect, it } from 'vitest';
import { startConsole } from '../support/console.ts';
import { openRaw, statusOf } from '../support/raw-client.ts';
import { tried } from '../support/tried.ts';
import { useRedis } from '../support/use-redis.ts';

const TOKEN = 'a-token-that-nobody-guesses';
const TARGETS = [
  'http://other.example/',
  '//',
  '//x/y',
  '/%',
  '/pages/%',
  '/pages/%ff',
  '/dead-letters/%00',
  '/?%=%',
  '/find?q=%ff',
  '/dead-letters?since=2026-99-99T00:00',
  '/dead-letters?at=9e99&after=y',
  '/dead-letters?after=0-01ARZ3NDEKTSV4RRFFQ69G5FAV&at=1',
  '/assets/../../package.json',
  '/queues/static/..%2f..%2fpackage.json',
  '/queues/queue/%zz',
  '/queues/api/queues?activeQueue=%25',
  '/queues/api/queues?activeQueue=__proto__',
  '/queues/api/queues?status=none',
  '/queues/api/queues/send/%25',
  '/queues/api/queues/send/x/flow',
  '/queues/api/job-schedulers?queueName=%25',
  '*',
];
const HOSTS = ['127.0.0.1', 'a b', '[::1', '@127.0.0.1', ''];
const METHODS = ['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE'];

const used = useRedis();

it.each([undefined, TOKEN])('no request is so odd that it is an internal error, with the token %s', async (token) => {
  await using desk = await startConsole({ redisUrl: used.url, consoleToken: token });
  const head = token === undefined ? [] : [`Authorization: Bearer ${token}`];
  const asked = METHODS.flatMap((method) =>
    TARGETS.flatMap((target) => HOSTS.map((host) => [`${method} ${target} HTTP/1.1`, `Host: ${host}`])),
  );
  const failed: string[] = [];
  for (const lines of asked) {
    const request = [...lines, ...head, 'Accept: text/html', 'Connection: close', '', ''].join('\r\n');
    const { answered, closed } = await openRaw(desk.url, request);
    await closed;
    if (!((statusOf(answered()) ?? 500) < 500) || answered().includes('"dependencies"')) failed.push(lines.join(' '));
  }
  expect(failed).toEqual([]);
  expect(desk.lines.filter((line) => line.includes('"level":"error"'))).toEqual([]);
  tried({
    against: 'console',
    input: 'odd methods, targets (broken escapes, absolute, `//`, `..%2f`) and hosts, with and without a token',
    count: asked.length,
    result: "no internal error, no error line, nothing of the package's files",
    before: 'two queries of the queues failed',
  });
});
