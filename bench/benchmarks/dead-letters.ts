import { connectPatiently } from '../../src/shared/session/connect.ts';
import { runProcess } from '../../test/support/command-line.ts';
import { writeLetters } from '../../test/support/written-letters.ts';
import type { Benchmark, Measurement, Side } from '../benchmark.ts';
import { openStage, type Stage } from '../stage/stage.ts';
import { buildPackage, peakMegabytesOf } from '../stage/peak-memory.ts';

const PAGES = 50;
const FEW = 1000;
const MANY = 100_000;

const SYSTEM = { workers: 1, concurrency: 100, apiLatencyMs: 0, pageParallelism: 'auto' };

const REPLAYED_PER_SECOND = 200;

/** A system with so many dead letters. */
async function openStageOfLetters(count: number): Promise<Stage> {
  await using stack = new AsyncDisposableStack();
  const stage = stack.use(await openStage(SYSTEM));
  const redis = connectPatiently({ redisUrl: stage.redisUrl });
  stack.defer(() => redis.disconnect());
  const letters = Array.from({ length: count }, (_, index) => {
    const pageId = `p${index % PAGES}`;
    return { pageId, conversationId: `${pageId}-${index}`, text: `message ${index}` };
  });
  await writeLetters(redis, 'kitechat', letters);
  const owned = stack.move();
  return { ...stage, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** What the commands of the dead letters need, by the number of letters. */
export const lettersMemory: Benchmark = {
  name: 'letters-memory',
  measures:
    `The most memory of a process that lists a page of dead letters, filters them, or exports all, the largest of the three, with a heap ` +
    `bounded to 32 MB: with ${MANY} dead letters against ${FEW}.`,
  unit: 'MB',
  limit: { atMost: 1.2 },
  async prepare() {
    await buildPackage();
    await using stack = new AsyncDisposableStack();
    const side = async (count: number): Promise<Side> => {
      const stage = stack.use(await openStageOfLetters(count));
      return { name: `${count} letters`, measure: () => measureMemory(stage) };
    };
    const baseline = await side(FEW);
    const subject = await side(MANY);
    const owned = stack.move();
    return { baseline, subject, [Symbol.asyncDispose]: () => owned.disposeAsync() };
  },
};

async function measureMemory({ redisUrl }: Stage): Promise<Measurement> {
  const peak = async (...args: string[]): Promise<number> =>
    await peakMegabytesOf(['dead-letters', ...args], { REDIS_URL: redisUrl });
  const list = await peak('list', '--json');
  const filter = await peak('list', '--json', '--page', 'p7', '--reason', 'rejected', '--conversation', 'p7-57');
  const exported = await peak('export');
  return { value: Math.max(list, filter, exported), details: { list, filter, export: exported } };
}

/** Does a replay keep the rate that it was given, with many other letters around? */
export const replayRate: Benchmark = {
  name: 'replay-rate',
  measures:
    `Messages per second at the API, from the first to the last, of the ${MANY / PAGES} that ` +
    `"dead-letters replay --page … --rate ${REPLAYED_PER_SECOND}/s" sends again, with ${MANY} dead letters in all, ` +
    `against ${REPLAYED_PER_SECOND}.`,
  unit: 'messages/s',
  limit: { atLeast: 0.95, atMost: 1.01 },
  async prepare() {
    const stage = await openStageOfLetters(MANY);
    let page = 0;
    const asked: Measurement = { value: REPLAYED_PER_SECOND, details: {} };
    return {
      baseline: { name: 'asked', measure: () => Promise.resolve(asked) },
      subject: { name: 'replayed', measure: () => measureReplay(stage, `p${(page += 1)}`) },
      [Symbol.asyncDispose]: () => stage[Symbol.asyncDispose](),
    };
  },
};

async function measureReplay({ api, redisUrl, untilEmpty }: Stage, page: string): Promise<Measurement> {
  const { exitCode, stderr } = await runProcess(
    ['dead-letters', 'replay', '--page', page, '--rate', `${REPLAYED_PER_SECOND}/s`],
    { REDIS_URL: redisUrl },
  );
  if (exitCode !== 0) throw new Error(`the replay ended with ${exitCode}:\n${stderr.slice(-10).join('\n')}`);
  await untilEmpty();
  const arrivals = (await api.arrivalsOf(page)).map(({ atMs }) => atMs);
  if (arrivals.length !== MANY / PAGES) throw new Error(`${arrivals.length} messages of ${page} arrived`);
  const tookMs = Math.max(...arrivals) - Math.min(...arrivals);
  return { value: ((arrivals.length - 1) * 1000) / tookMs, details: {} };
}
