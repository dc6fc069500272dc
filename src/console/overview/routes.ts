import { may } from '../http/permission.ts';
import type { DeskApp, DeskDeps } from '../facts/deps.ts';
import { mattersOf } from './attention.ts';
import { show } from '../html/layout.ts';
import { chartCards, overviewLive, overviewSummary } from './view.ts';
import { readDeskFleet, readDeskStatus, readDeskTraffic, readLately } from '../facts/reading.ts';

/** The time span of the charts, and the span that the numbers are averaged over. */
const CHART_MS = 15 * 60_000;
const NUMBERS_MS = 30_000;

export function addOverviewRoutes(app: DeskApp, deps: DeskDeps): void {
  app.get('/', async (context) => {
    // The overview is about all pages together.
    if (!may(context, 'look', 'installation')) return context.redirect('/pages', 303);
    const [{ status, isUsed, isReplica }, fleet, traffic] = await Promise.all([
      readDeskStatus(deps),
      readDeskFleet(deps),
      readDeskTraffic(deps, NUMBERS_MS),
    ]);
    const { nowMs } = fleet;
    const matters = mattersOf({ status, isUsed, isReplica, lately: await readLately(deps, nowMs), nowMs });
    return await show(context, {
      title: 'Overview',
      section: 'Overview',
      live: overviewLive(context, { status, matters, traffic }),
      summary: overviewSummary(matters),
      after: chartCards(),
      withCharts: true,
    });
  });

  app.get('/traffic.json', async (context) => {
    const buckets = await readDeskTraffic(deps, CHART_MS);
    return context.json({
      times: buckets.map(({ startMs }) => startMs / 1000),
      delivered: buckets.map(({ perSecond }) => perSecond.delivered),
      failed: buckets.map(
        ({ perSecond }) => perSecond.rejected + perSecond.failed + perSecond.unknown + perSecond['not-sent'],
      ),
      dead: buckets.map(({ perSecond }) => perSecond.dead),
      p50: buckets.map(({ p50Ms }) => p50Ms),
      p95: buckets.map(({ p95Ms }) => p95Ms),
    });
  });
}
