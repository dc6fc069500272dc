import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { connectPatiently } from '../../../src/shared/session/connect.ts';
import { setStage, type Stage } from '../../examples/support/stage.ts';
import { type CommandProcess, startNode, stdinStaysOpen } from '../../support/command-line.ts';
import { moveAway } from '../support/new-app.ts';
import { manifestOf, newExample } from '../support/new-example.ts';
import { recipe } from '../support/recipe.ts';
import { reportApp } from '../support/report-app.ts';
import { run } from '../support/run.ts';

const { esbuild = '' } = manifestOf('lambda').devDependencies;
const runtime = fileURLToPath(new URL('../support/lambda-process.ts', import.meta.url));

let bundles: string;

beforeAll(async () => {
  const app = await newExample('lambda');
  await run('npm', ['run', 'types'], { cwd: app });
  await run('npm', ['run', 'build'], { cwd: app });
  await run('npm', ['run', 'build:esm'], { cwd: app });
  bundles = moveAway(join(app, 'dist'));
});

describe.each([
  ['CommonJS', 'js', 'nothing'],
  ['ESM', 'mjs', 'the banner with `createRequire`'],
])('examples/lambda, bundled by esbuild as %s', (format, extension, needs) => {
  reportApp(`lambda-${extension}`, {
    app: `AWS Lambda, esbuild, ${format}`,
    version: esbuild,
    checked: 'a handler for EventBridge and one for SQS, in a container that is frozen',
    needs,
  });
  const start = (stage: Stage, handler: string): CommandProcess =>
    startNode([runtime, join(bundles, `${handler}.${extension}`)], { REDIS_URL: stage.redis.url }, stdinStaysOpen);

  it('stores one message for an event, however often Lambda delivers the event', async () => {
    await using stage = await setStage();
    await using container = start(stage, 'event');
    const invoke = invoker(container);
    for (const id of ['a', 'a', 'b']) expect(await invoke(shipped(id))).toEqual({});
    await stage.startWorker();
    await stage.api.waitForAccepted(2);
    expect(textsOf(stage)).toEqual(['Order a is on its way.', 'Order b is on its way.']);
  });

  it('keeps its connection between invocations, and opens another one if it was lost while the container was frozen', async () => {
    await using stage = await setStage();
    const redis = connectPatiently({ redisUrl: stage.redis.url });
    const others = async (): Promise<number> =>
      String(await redis.call('CLIENT', 'LIST'))
        .trim()
        .split('\n').length - 1;
    await using container = start(stage, 'event');
    const invoke = invoker(container);
    for (const id of ['a', 'b', 'c']) expect(await invoke(shipped(id))).toEqual({});
    expect(await others()).toBe(1);

    container.kill('SIGSTOP');
    await redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    expect(await others()).toBe(0);
    container.kill('SIGCONT');
    expect(await invoke(shipped('d'))).toEqual({});
    expect(await others()).toBe(1);
    redis.disconnect();
    await stage.startWorker();
    await stage.api.waitForAccepted(4);
  });

  it('has Lambda deliver an event again while Redis is away, and not one that can never be stored', async () => {
    await using stage = await setStage();
    await using container = start(stage, 'event');
    const invoke = invoker(container);
    await stage.redis.kill();
    expect(await invoke(shipped('a'))).toEqual({ error: 'QueueUnavailableError' });
    await stage.redis.restart();
    expect(await invoke(shipped('a'))).toEqual({});
    expect(await invoke(shipped(''))).toEqual({});
    await container.lineWhere('stderr', (line) => line.includes('InvalidMessageError'));
  });

  it('names to SQS the messages that it could not store', async () => {
    await using stage = await setStage();
    await using container = start(stage, 'sqs');
    const records = [
      { messageId: 'm1', body: JSON.stringify(shipped('a').detail) },
      { messageId: 'm2', body: 'not JSON' },
      { messageId: 'm3', body: JSON.stringify(shipped('b').detail) },
    ];
    const answer = { batchItemFailures: [{ itemIdentifier: 'm2' }] };
    expect(await invoker(container)({ Records: records })).toEqual({ result: answer });
    await stage.startWorker();
    await stage.api.waitForAccepted(2);
    expect(textsOf(stage)).toEqual(['Order a is on its way.', 'Order b is on its way.']);
  });
});

it('examples/lambda is built as docs/apps.md says', () => {
  const { scripts } = JSON.parse(recipe('AWS Lambda', 'json')) as { scripts: object };
  expect(manifestOf('lambda').scripts).toMatchObject(scripts);
});

/** An event of EventBridge. The order's page has no name if the order has none. */
function shipped(id: string): { id: string; detail: object } {
  return { id, detail: { orderId: id, pageId: id && 'p1', conversationId: 'c1' } };
}

/** Gives a container one event after the other. @returns what Lambda would see of the handler */
function invoker(container: CommandProcess): (event: object) => Promise<{ result?: unknown; error?: string }> {
  const failure = container.ended().then((end): never => {
    throw new Error(`the container ended with ${end}:\n${container.stderr.join('\n')}`);
  });
  let answers = 0;
  return async (event) => {
    const nth = (answers += 1);
    container.write(`${JSON.stringify(event)}\n`);
    const line = await Promise.race([failure, container.lineWhere('stdout', (text) => text.startsWith(`${nth} `))]);
    return JSON.parse(line.slice(line.indexOf(' '))) as { result?: unknown; error?: string };
  };
}

function textsOf(stage: Stage): (string | undefined)[] {
  return stage.api.accepted.map(({ message }) => message.text);
}
