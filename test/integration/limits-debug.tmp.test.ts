import { afterAll, beforeAll, it } from 'vitest';
import { writePace } from '../../src/shared/lanes/limits.ts';
import { openLanes } from '../support/lanes.ts';
import { simulate } from '../support/limits/simulate.ts';
import { startSimulatedTime } from '../support/limits/simulated-time.ts';
let time, lanes;
beforeAll(async () => { time = await startSimulatedTime(); lanes = await openLanes(time.redis); });
afterAll(async () => await time.stop());
const backlog = (n) => Array.from({ length: n }, (_, i) => ({ afterMs: 0, page: 'p0', conversation: `c${i}` }));
async function run(name, n, rules, more) {
  await time.begin();
  await lanes.rules({ concurrency: 50, ...rules });
  const turn = lanes.turn;
  const log = [];
  const l = { ...lanes, turn: async (t) => { const a = await turn(t); log.push(`${time.elapsedMs()}: places ${t.places} due ${t.dueSlots} later ${t.laterSlots} ${t.look} s${t.settlements.length} -> took ${a.taken.length} slots ${a.slotsMs} again ${a.lookAgainMs}`); return a; } };
  try {
  const goes = await simulate(backlog(n), { lanes: l, time, workers: [50], sendMs: () => 5, lateMs: () => 0, ...more });
  console.log(name, goes.map((g) => g.atMs).join(' '), '\n' + log.slice(0, 60).join('\n'));
  } catch (e) { console.log(name, String(e), '\n' + log.slice(-60).join('\n')); }
}
it('stall', async () => { await run('stall', 8, { intervalMs: 500 }, { stall: { fromMs: 100, toMs: 981 } }); });
it('change', async () => { await run('change', 16, { intervalMs: 1000/14 }, { happenings: [{ afterMs: 700, run: async () => void await writePace(time.redis, lanes.shard.root, 1, { intervalMs: 1000, burst: 1, pageIntervalMs: 0, pageBurst: 1 }) }] }); });
it('page', async () => { await run('page', 40, { pageIntervalMs: 100 }, {}); });
it('step', async () => { await run('step', 40, { intervalMs: 100 }, { happenings: [{ afterMs: 1000, run: () => time.step(-600000) }] }); });
it('step page', async () => { await run('step page', 40, { pageIntervalMs: 100 }, { happenings: [{ afterMs: 1000, run: () => time.step(-600000) }] }); });
