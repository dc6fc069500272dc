import { describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { setStage, type Stage } from './support/stage.ts';

const REPLAY = 'replay/replay.ts';

async function letThemDie(stage: Stage): Promise<void> {
  const receipts = await stage.producer.enqueueMessages(
    ['p1', 'p1', 'p1', 'p2'].map((pageId, n) => ({
      pageId,
      conversationId: `c${n}`,
      message: { type: 'text', text: `Hello ${n}` },
    })),
  );
  await stage.startWorker();
  for (const { id } of receipts) await stage.until(id, 'dead');
}

const resultOf = ({ stdout }: { stdout: readonly string[] }): unknown => JSON.parse(stdout.at(-1) ?? '');

describe('examples/replay', () => {
  it('tells first what it would send, and sends only that when it is told to', async () => {
    await using stage = await setStage({ faults: [{ kind: 'status', status: 400 }] });
    await letThemDie(stage);
    stage.api.setFaults([]);

    const dry = await stage.run(REPLAY, ['--reason', 'rejected', '--page', 'p1']);
    expect(resultOf(dry)).toEqual({ matched: 3, done: 0, skipped: [] });
    expect(dry.stderr.filter((line) => line.includes('HTTP 400'))).toHaveLength(3);
    expect(stage.api.report().accepted).toBe(0);

    const sent = await stage.run(REPLAY, ['--reason', 'rejected', '--page', 'p1', '--rate', '10/s', '--send']);
    expect(resultOf(sent)).toEqual({ matched: 3, done: 3, skipped: [] });
    await stage.api.waitForAccepted(3);
    expect(stage.api.accepted.map(({ pageId }) => pageId)).toEqual(['p1', 'p1', 'p1']);
    expect(resultOf(await stage.run(REPLAY, ['--reason', 'rejected']))).toMatchObject({ matched: 1 });
  });

  it('stops between two entries when it is interrupted, and leaves the rest', async () => {
    await using stage = await setStage({ faults: [{ kind: 'status', status: 400 }] });
    await letThemDie(stage);
    stage.api.setFaults([]);
    const replay = stage.start(REPLAY, ['--rate', '20/min', '--send']);
    await replay.lineWhere('stderr', (line) => line.includes(' is sent again as '));
    replay.kill('SIGINT');
    await replay.ended();
    expect(resultOf(replay)).toMatchObject({ done: 1 });
    await eventually('one was sent', () => stage.api.report().accepted === 1);
    expect(resultOf(await stage.run(REPLAY))).toMatchObject({ matched: 3 });
  });
});
